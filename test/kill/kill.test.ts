import { Random } from "#lib/core/random";
import { Killer } from "./driver";

/** A few kills; `npm run kills -- --count N` does more, of every work. */
const KILLS: Readonly<Record<string, number>> = {
  ...{ train: 3, "boosted trees of xgboost": 1, predict: 1 },
  ...{ "export for the web": 1, "data export": 1 },
  ...{ download: 2, unzip: 1, "set-up": 1 },
};

describe("work that is killed", function () {
  this.timeout(240_000);
  let killer: Killer;
  before(() => {
    killer = new Killer();
  });
  after(() => killer.close());

  for (const [name, kills] of Object.entries(KILLS)) {
    it(`${name} completes at the next try, as if nothing had been`, async () => {
      await killer.kill(name, new Random(1, name), kills);
    });
  }
});
