import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { logGamma } from "#lib/core/log-gamma";
import {
  bar,
  blob,
  disk,
  edgeOnDisk,
  type Profile,
  sersic,
  tail,
  xK1,
} from "#lib/data/galaxy-light";

const expected: {
  x: number[];
  y: number[];
  sersic: { n: number; relative: number[] }[];
  xK1: [number, number][];
  logGamma: [number, number][];
} = JSON.parse(readFileSync("test/fixtures/data/light.json", "utf8"));

function near(actual: number, wanted: number, relative: number, what = ""): void {
  const off = Math.abs(actual - wanted) / Math.max(1e-12, Math.abs(wanted));
  assert.ok(off < relative, `${what} ${actual}, expected ${wanted}`);
}

/** All the light, or that inside an ellipse, by adding up a fine grid. */
function light(profile: Profile, reach: number, inside?: (x: number, y: number) => boolean) {
  const step = 0.05;
  let sum = 0;
  for (let y = -reach + step / 2; y < reach; y += step) {
    for (let x = -reach + step / 2; x < reach; x += step) {
      if (!inside || inside(x, y)) sum += profile(x, y) * step * step;
    }
  }
  return sum;
}

describe("data/galaxy-light", () => {
  it("agrees with SciPy's special functions", () => {
    for (const [x, value] of expected.xK1) near(xK1(x), value, 1e-6, `xK1(${x})`);
    for (const [x, value] of expected.logGamma) {
      assert.ok(Math.abs(logGamma(x) - value) < 1e-9, `lnΓ(${x})`);
    }
  });

  it("agrees with astropy's Sérsic profile away from the softened center", () => {
    for (const { n, relative } of expected.sersic) {
      const profile = sersic(2.2, n, 0.6);
      const unit = profile(2.2, 0);
      for (const [i, value] of relative.entries()) {
        const r = Math.hypot(expected.x[i], expected.y[i] / 0.6);
        near(profile(expected.x[i], expected.y[i]) / unit, value, r < 1 ? 0.12 : 0.02, `n ${n}`);
      }
    }
  });

  const arms = { count: 2, pitch: 15, strength: 0.8, winding: 1, phase: 0, start: 0.5, wobble: [] };
  const profiles: [name: string, profile: Profile, reach: number, tolerance: number][] = [
    ["Sérsic n = 1", sersic(2, 1, 0.7), 16, 0.02],
    ["Sérsic n = 4", sersic(2, 4, 0.7), 16, 0.15],
    ["disk", disk(1.5, 0.5), 20, 0.02],
    ["disk with arms", disk(1.5, 0.5, arms), 20, 0.03],
    ["edge-on disk", edgeOnDisk(1.5, 0.3), 20, 0.01],
    ["bar", bar(2, 0.3), 3, 0.01],
    ["blob", blob(1, -1, 0.4), 5, 0.01],
    ["tail", tail(3, 2, 0.4, 1, 60, 1), 30, 0.02],
  ];
  for (const [name, profile, reach, tolerance] of profiles) {
    it(`${name} has a total flux of 1`, () => near(light(profile, reach), 1, tolerance));
  }

  it("holds half of the light inside the half-light radius", () => {
    const inside = (x: number, y: number) => Math.hypot(x, y / 0.7) < 2;
    near(light(sersic(2, 1, 0.7), 4, inside), 0.5, 0.02);
    const inDisk = (x: number, y: number) => Math.hypot(x, y / 0.5) < 1.678 * 1.5;
    near(light(disk(1.5, 0.5), 4, inDisk), 0.5, 0.02);
  });

  it("winds two arms at the pitch angle asked for", () => {
    const profile = disk(1.5, 1, arms);
    const brightest = (r: number) => {
      let best = 0;
      for (let a = 0; a < 180; a++) {
        const at = (angle: number) => profile(r * Math.cos(angle), r * Math.sin(angle));
        if (at((a * Math.PI) / 180) > at((best * Math.PI) / 180)) best = a;
      }
      return best;
    };
    const turn = (((brightest(3.2) - brightest(3)) % 180) + 180) % 180;
    near(turn, ((Math.log(3.2 / 3) / Math.tan((15 * Math.PI) / 180)) * 180) / Math.PI, 0.1);
  });
});
