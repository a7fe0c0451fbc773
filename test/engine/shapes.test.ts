import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { record } from "tuning-fork/engine/recorder";
import { startEngine } from "tuning-fork/engine/start";
import { cases, inputsOf, valueAndGradients } from "./cases";

describe("shapes", () => {
  before(() => startEngine());

  for (const test of cases) {
    it(`${test.name}: inferred as computed`, () => {
      tf.tidy(() => {
        const [inputs, fn] = [inputsOf(test), valueAndGradients(test)];
        const computed = record("fn", fn, inputs, new Map(), { infer: false });
        const inferred = record("fn", fn, inputs, new Map());
        assert.deepEqual(
          inferred.nodes.map(({ op, outputs }) => [op, outputs]),
          computed.nodes.map(({ op, outputs }) => [op, outputs]),
        );
      });
    });
  }
});
