import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  duration,
  type Pace,
  paceOf,
  progressBar,
  progressLine,
} from "#lib/notebook/progress-text";

const state = {
  label: "training",
  unit: "images",
  done: 250,
  total: 1000,
  metrics: { epoch: 2, loss: 0.123456 },
  elapsed: 10,
  rate: 25,
  last: false,
};

describe("progress text", () => {
  it("says share, speed, time left and metrics", () => {
    assert.equal(
      progressLine(state),
      "training 25 % · 25 images/s · 30 s left · epoch 2 · loss 0.123",
    );
  });

  it("ends with the mean speed and the time taken", () => {
    assert.equal(
      progressLine({ ...state, done: 1000, elapsed: 125, last: true, remark: "saved" }),
      "training 100 % · 8.0 images/s · 2 min 05 s · epoch 2 · loss 0.123 · saved",
    );
  });

  it("is 100 % only at the end", () => {
    assert.match(progressLine({ ...state, done: 999.9 }), /^training 99 %/);
    assert.match(progressLine({ ...state, done: 0, total: 0 }), /^training 100 %/);
  });

  it("measures speed without a slow first step", () => {
    const pace: Pace = { started: 0, marks: [{ time: 0, done: 0 }] };
    paceOf(pace, 10, 9_000); // compiled for nine seconds
    for (let step = 2; step <= 5; step++) paceOf(pace, 10 * step, 9_000 + 1000 * (step - 1));
    assert.equal(paceOf(pace, 50, 13_000).rate, 10);
  });

  it("forgets a speed of long ago", () => {
    const pace: Pace = { started: 0, marks: [{ time: 0, done: 0 }] };
    const doneAt = (second: number) => Math.min(second, 100) + 50 * Math.max(0, second - 100);
    for (let second = 1; second <= 130; second++) paceOf(pace, doneAt(second), second * 1000);
    assert.ok(Math.abs(paceOf(pace, doneAt(130), 130_000).rate - 50) < 1);
  });

  it("says durations as people do", () => {
    assert.deepEqual([0.04, 9.99, 59.4, 59.6, 3599.4, 3599.6, 7620].map(duration), [
      "0.0 s",
      "10.0 s",
      "59 s",
      "1 min 00 s",
      "59 min 59 s",
      "1 h 00 min",
      "2 h 07 min",
    ]);
  });

  it("draws a bar of constant width", () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 2, noNaN: true }), (fraction) => {
        assert.equal([...progressBar(fraction, 20)].length, 20);
      }),
    );
  });
});
