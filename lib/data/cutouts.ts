import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../core/errors";
import { mapParallel } from "../core/parallel";
import { makeFolder, writeFileAtomic } from "../io/atomic";
import { formatCsv } from "../io/csv-text";
import { download } from "../io/download";
import { openFits } from "./fits-file";
import { probeImage } from "./image-files";

/** Galaxies to cut out: one row each, degrees (ICRS). */
export interface CutoutCatalog {
  /** Name of each file: letters, digits, `.`, `+`, `-`, `_`. */
  readonly id: ArrayLike<string>;
  /** Right ascension, degrees (ICRS). */
  readonly ra: ArrayLike<number>;
  /** Declination, degrees (ICRS). */
  readonly dec: ArrayLike<number>;
}

/** How a service is asked for one cut-out. */
export interface CutoutRequest {
  /** Right ascension of the middle, degrees (ICRS). */
  readonly ra: number;
  /** Declination of the middle, degrees (ICRS). */
  readonly dec: number;
  /** Height and width, pixels. */
  readonly size: number;
  /** Arcsec a pixel. */
  readonly pixelScale: number;
  /** `jpg` is a color picture, `fits` the bands as measured. */
  readonly format: "jpg" | "fits";
}

/** A cut-out service: its address for a request, and what it asks of its users. */
export interface CutoutService {
  /** The address that answers a request. */
  readonly url: (request: CutoutRequest) => string;
  /** Native pixel scale, arcsec. */
  readonly pixelScale: number;
  /** Requests a second that are polite. */
  readonly perSecond: number;
}

/** The services of the two surveys. FITS comes from the Legacy Survey's viewer for both. */
export const cutoutServices: Readonly<Record<"legacy" | "sdss", CutoutService>> = {
  legacy: {
    url: (request) => legacyUrl(request, "ls-dr10", "grz"),
    pixelScale: 0.262,
    perSecond: 2,
  },
  sdss: {
    url: (request) => {
      if (request.format === "fits") return legacyUrl(request, "sdss", "gri");
      const { ra, dec, size, pixelScale } = request;
      const base = "https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg";
      return `${base}?ra=${ra}&dec=${dec}&scale=${pixelScale}&width=${size}&height=${size}`;
    },
    pixelScale: 0.396,
    perSecond: 2,
  },
};

/** What {@link fetchCutouts} fetches, and how. */
export interface CutoutOptions {
  /** One of the services by name, or another. */
  readonly service: keyof typeof cutoutServices | CutoutService;
  /** Height and width, pixels; 256 by default. */
  readonly size?: number;
  /** Arcsec a pixel; the service's own by default. */
  readonly pixelScale?: number;
  /** `jpg` (the default) is a color picture, `fits` the bands as measured. */
  readonly format?: "jpg" | "fits";
  /** Requests at the same time, within the rate; 4 by default. */
  readonly parallel?: number;
  /** Attempts for each cut-out; 4 by default. */
  readonly attempts?: number;
  /** Wait before the second attempt, ms; it doubles with each. Default: that of `download`. */
  readonly backOff?: number;
  /** Called after each galaxy. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A cut-out that did not come, and why. */
export interface CutoutFailure {
  /** Of the catalog. */
  readonly id: string;
  /** Degrees. */
  readonly ra: number;
  /** Degrees. */
  readonly dec: number;
  /** What the service answered, or what was wrong with what came. */
  readonly reason: string;
}

/** What {@link fetchCutouts} did. */
export interface CutoutReport {
  /** Cut-outs that came now. */
  readonly fetched: number;
  /** Cut-outs that were there already. */
  readonly kept: number;
  /** Cut-outs that did not come. */
  readonly failures: readonly CutoutFailure[];
}

/**
 * Fetch a cut-out of each galaxy as `<folder>/<id>.jpg` or `.fits`. Those that are there are kept,
 * so that a run can be interrupted and repeated. What does not come, or is no image, is listed in
 * `<folder>/failures.csv`; the next run tries it again.
 *
 * @throws UserError naming the first row with an id that is no file name, or no position.
 */
export async function fetchCutouts(
  catalog: CutoutCatalog,
  folder: string,
  options: CutoutOptions,
): Promise<CutoutReport> {
  const { size = 256, format = "jpg", parallel = 4, attempts = 4, backOff, onProgress } = options;
  const service =
    typeof options.service === "string" ? cutoutServices[options.service] : options.service;
  const pixelScale = options.pixelScale ?? service.pixelScale;
  checkRows(catalog);
  makeFolder(folder);
  const turn = rateLimit(service.perSecond);
  const rows = Array.from({ length: catalog.id.length }, (_, row) => row);
  const failures: CutoutFailure[] = [];
  let kept = 0;
  const fetchOne = async (row: number) => {
    const [id, ra, dec] = [catalog.id[row], catalog.ra[row], catalog.dec[row]];
    const path = join(folder, `${id}.${format}`);
    if (await stat(path).catch(() => undefined)) {
      kept++;
      return;
    }
    await turn();
    try {
      const url = service.url({ ra, dec, size, pixelScale, format });
      await download(url, path, { attempts, backOff, record: false, stallTimeout: 30_000 });
      await checkImage(path, format);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures.push({ id, ra, dec, reason: error.problem });
    }
  };
  await mapParallel(rows, parallel, fetchOne, onProgress);
  const list = join(folder, "failures.csv");
  if (failures.length === 0) await rm(list, { force: true });
  else {
    const lines = failures.map(({ id, ra, dec, reason }) => [id, ra, dec, reason]);
    writeFileAtomic(list, formatCsv(["id", "ra", "dec", "reason"], lines));
  }
  return { fetched: rows.length - kept - failures.length, kept, failures };
}

function legacyUrl(request: CutoutRequest, layer: string, bands: string): string {
  const { ra, dec, size, pixelScale, format } = request;
  const kind = format === "fits" ? "fits-cutout" : "jpeg-cutout";
  const base = `https://www.legacysurvey.org/viewer/${kind}`;
  return `${base}?ra=${ra}&dec=${dec}&layer=${layer}&pixscale=${pixelScale}&size=${size}&bands=${bands}`;
}

function checkRows({ id, ra, dec }: CutoutCatalog): void {
  const seen = new Set<string>();
  for (let row = 0; row < id.length; row++) {
    const what = !/^[\w.+-]+$/.test(id[row])
      ? `id '${id[row]}' is no file name`
      : seen.has(id[row])
        ? `id '${id[row]}' is there twice`
        : !Number.isFinite(ra[row]) || !(Math.abs(dec[row]) <= 90)
          ? `ra ${ra[row]}, dec ${dec[row]} are no position in degrees`
          : undefined;
    seen.add(id[row]);
    if (what) throw new UserError(`Row ${row + 1} of the catalog: ${what}.`, "Correct the row.");
  }
}

/** What came must be an image; what is not is not kept. */
async function checkImage(path: string, format: "jpg" | "fits"): Promise<void> {
  try {
    if (format === "fits") {
      const file = await openFits(path);
      file.close();
      return;
    }
    const shape = await probeImage(path);
    if (typeof shape === "string") throw new UserError(`${path}: ${shape}.`, "Try again later.");
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Wait for one's turn: turns come evenly, so many a second, to all who ask. */
function rateLimit(perSecond: number): () => Promise<void> {
  let next = 0;
  return async () => {
    const now = performance.now();
    const mine = Math.max(now, next);
    next = mine + 1000 / perSecond;
    if (mine > now) await sleep(mine - now);
  };
}
