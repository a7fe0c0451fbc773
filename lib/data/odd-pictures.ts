import { UserError } from "../core/errors";
import { Random } from "../core/random";
import type { Dataset } from "./dataset";
import { fieldOfView, makeGalaxy } from "./simulator";
import { Sky } from "./sky";

/** Draws one picture, uint8 RGB `[size, size, 3]`. */
type Draw = (random: Random, size: number) => Uint8Array;

const blankSky: Draw = (random, size) => {
  const sky = new Sky(size, fieldOfView / size);
  sky.addField(random);
  return sky.observe(random);
};

/** A bright star with the four spikes of a telescope's spider. */
const star: Draw = (random, size) => {
  const sky = new Sky(size, fieldOfView / size);
  const magnitude = random.uniform(11, 16);
  const color = random.uniform(0.3, 1.5);
  sky.addStar(random.uniform(-1, 1), random.uniform(-1, 1), magnitude, color);
  const angle = random.uniform(0, Math.PI / 2);
  for (let d = 0.5; d < fieldOfView / 2; d += 0.4) {
    for (let spike = 0; spike < 4; spike++) {
      const at = angle + (spike * Math.PI) / 2;
      const faint = magnitude + 7 + 2.5 * Math.log10(1 + d * d);
      sky.addStar(d * Math.cos(at), d * Math.sin(at), faint, color);
    }
  }
  sky.addField(random);
  return sky.observe(random);
};

/** A galaxy behind a fault: a satellite's trail, dead columns, a missing band, half of the picture. */
const artifact: Draw = (random, size) => {
  const { image } = makeGalaxy(random.integer(1 << 30), 0, size);
  const kind = random.integer(4);
  if (kind === 0) {
    const [angle, offset] = [random.uniform(0, Math.PI), random.uniform(-0.3, 0.3) * size];
    const width = random.uniform(0.6, 2);
    paint(image, size, (x, y) => {
      const d = (x - size / 2) * Math.sin(angle) - (y - size / 2) * Math.cos(angle) - offset;
      return Math.exp(-0.5 * (d / width) ** 2);
    });
  } else if (kind === 1) {
    const dead = Array.from({ length: 3 + random.integer(6) }, () => random.integer(size));
    paint(image, size, (x) => (dead.includes(Math.floor(x)) ? 1 : 0), random.integer(2) * 255);
  } else if (kind === 2) {
    const band = random.integer(3);
    for (let i = band; i < image.length; i += 3) image[i] = 0;
  } else {
    const [edge, across] = [random.uniform(0.3, 0.7) * size, random.integer(2) === 0];
    paint(image, size, (x, y) => ((across ? x : y) > edge ? 1 : 0), 0);
  }
  return image;
};

/** Mixes a gray into a picture, by how much it covers each pixel, 0 to 1. */
function paint(
  image: Uint8Array,
  size: number,
  cover: (x: number, y: number) => number,
  gray = 235,
): void {
  for (let i = 0; i < size * size; i++) {
    const share = cover((i % size) + 0.5, Math.floor(i / size) + 0.5);
    for (let c = 0; c < 3; c++) {
      image[3 * i + c] = (1 - share) * image[3 * i + c] + share * gray;
    }
  }
}

/** A landscape of a kind: a bright sky, a ground, and things with edges and colors in front. */
const everyday: Draw = (random, size) => {
  const color = () => [0, 1, 2].map(() => random.uniform(20, 250));
  const [sky, ground] = [color().map((v) => 0.4 * v + 150), color()];
  const horizon = random.uniform(0.35, 0.7) * size;
  const things = Array.from({ length: 3 + random.integer(5) }, () => ({
    round: random.integer(2) === 0,
    x: random.uniform(0, size),
    y: random.uniform(0.3, 1) * size,
    width: random.uniform(0.06, 0.28) * size,
    height: random.uniform(0.06, 0.35) * size,
    stripes: random.uniform(0.3, 2),
    color: color(),
  }));
  const image = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [i % size, Math.floor(i / size)];
    let seen = y < horizon ? sky.map((v) => v - (40 * y) / size) : ground;
    let light = y < horizon ? 1 : 0.85 + 0.15 * Math.sin(x * y * 0.37);
    for (const thing of things) {
      const [u, v] = [(x - thing.x) / thing.width, (y - thing.y) / thing.height];
      if (thing.round ? u * u + v * v > 1 : Math.max(Math.abs(u), Math.abs(v)) > 1) continue;
      seen = thing.color;
      light = 0.75 + 0.25 * Math.sin(thing.stripes * x);
    }
    for (let c = 0; c < 3; c++) {
      image[3 * i + c] = Math.min(Math.max(light * seen[c] + random.normal(0, 4), 0), 255);
    }
  }
  return image;
};

/** Every kind of picture that is no galaxy; a new one is a line here. */
const kinds = { artifact, star, "blank sky": blankSky, "everyday picture": everyday } as const;

/** A kind of picture that is no clean galaxy. */
export type OddKind = keyof typeof kinds;

/** The names of all kinds: galaxies behind faults, stars, blank sky, everyday pictures. */
export const oddKinds = Object.keys(kinds) as readonly OddKind[];

/** How many odd pictures, and which. */
export interface OddPicturesOptions {
  /** Number of pictures. Default 200. */
  readonly count?: number;
  /** Height and width, pixels. Default 64. */
  readonly size?: number;
  /** Of everything that is drawn. Default 0. */
  readonly seed?: number;
}

/**
 * Pictures that a network of galaxies should not answer about, made by code: to find out what it does with
 * them. The sky is that of the synthetic galaxies.
 *
 * @returns data without labels
 * @throws UserError for a kind that there is not
 */
export function oddPictures(
  kind: OddKind,
  { count = 200, size = 64, seed = 0 }: OddPicturesOptions = {},
): Dataset {
  if (!Object.hasOwn(kinds, kind)) {
    throw new UserError(
      `there is no kind of picture "${kind}"`,
      `take one of ${oddKinds.join(", ")}`,
    );
  }
  const draw = kinds[kind];
  return {
    name: kind,
    classNames: [],
    table: { id: Array.from({ length: count }, (_, i) => `${kind} ${i + 1}`) },
    size: count,
    sourceSize: [size, size],
    view: {},
    imageSize: [size, size],
    async read(rows) {
      const images = new Uint8Array(rows.length * size * size * 3);
      for (let i = 0; i < rows.length; i++) {
        images.set(draw(new Random(seed, `${kind} ${rows[i]}`), size), i * size * size * 3);
      }
      return images;
    },
    async close() {},
  };
}
