import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tuningFork, tuningForkHere } from "./support";

const published = join("../shared/data/gz2-splits/gz2_hug_vit_121221C_predictions.csv");

describe("tuning-fork evaluate", () => {
  const folder = mkdtempSync(join(tmpdir(), "evaluate-"));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  after(() => rmSync(folder, { recursive: true }));

  it("reads somebody else's table, and says what it cannot tell", async function () {
    if (!existsSync(published)) {
      console.log(`      skipped: ${published} is absent`);
      this.skip();
    }
    const columns = ["--id", "GalaxyID", "--label", "class", "--predicted", "pred"];
    const told = await tuningForkHere("evaluate", published, ...columns);
    assert.equal(told.code, 0, told.error);
    assert.match(told.out, /^accuracy +0\.8441$/m);
    assert.match(told.out, /no probabilities, so without top3Accuracy, logLoss, ece, brier/);
    const { accuracy, logLoss } = JSON.parse(
      (await tuningForkHere("evaluate", published, ...columns, "--json")).out,
    );
    assert.equal(accuracy.toFixed(5), "0.84406");
    assert.equal(logLoss, null);
    assert.match(
      (await tuningForkHere("evaluate", published)).error,
      /no column "id" in the header "GalaxyID,/,
    );
  });

  it("joins true classes from another file", () => {
    const table = write("p.csv", "id,predicted\n7,spiral\n8,spiral\n9,merger\n");
    const alone = tuningFork("evaluate", table);
    assert.equal(alone.code, 1);
    assert.match(alone.error, /None of the 3 predictions has a true class.*\n.*--truth FILE/);
    const truth = write("t.csv", "asset,kind\n8.0,Merger\n7.0,Spiral\n");
    const columns = ["--truth", truth, "--id", "asset", "--label", "kind"];
    const { code, out, error } = tuningFork("evaluate", table, ...columns);
    assert.equal(code, 0, error);
    assert.match(out, /^2 of 3 rows have a true class$/m);
    assert.match(out, /^accuracy +0\.5000$/m);
  });
});
