import assert from "node:assert/strict";
import { createPlan, planSchema, type Unit } from "#lib/cluster/plan";

const unit = (i: number): Unit => ({
  name: `unit-${i}`,
  args: ["predict", "--shard", `${i}`],
  output: `parts/${i}.csv`,
  key: "0",
});

describe("cluster/plan", () => {
  it("refuses units of one name or one output, and names them", () => {
    const units = Array.from({ length: 20_000 }, (_, i) => unit(i));
    const plan = createPlan({ kind: "shards", settings: {}, units });
    assert.ok(planSchema.safeParse(plan).success);
    for (const [key, value] of [
      ["name", "unit-7"],
      ["output", "parts/7.csv"],
    ] as const) {
      const twice = { ...plan, units: [...units, { ...unit(20_000), [key]: value }] };
      const { error } = planSchema.safeParse(twice);
      assert.deepEqual(error?.issues[0].path, ["units", 20_000, key]);
      assert.match(
        error?.issues[0].message ?? "",
        new RegExp(`two units have the ${key} "${value}"`),
      );
    }
  });
});
