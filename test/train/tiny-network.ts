import { type Architecture, symmetric, variantsOf } from "#lib/models/architecture";
import { convNorm, globalAveragePool, relu, sequence } from "#lib/models/layers";
import { hook } from "#lib/models/module";
import { registerArchitecture } from "#lib/models/registry";

const define = variantsOf(
  (p, options, width: number) => {
    const convolution = sequence(convNorm(p.at("stem"), 3, width, 3, { stride: 4 }), relu);
    return {
      forwardFeatures: (x, context) => hook(context, "stem", convolution(x, context)),
      pool: globalAveragePool,
      numFeatures: width,
      classifier: { scope: "fc", dropout: options.dropout ?? 0 },
      parameterGroups: [["stem"]],
      featureMaps: ["stem"],
    };
  },
  { preprocessing: { ...symmetric, interpolation: "bilinear" }, sizes: { multipleOf: 4 } },
);

/**
 * One convolution with its batch norm, below a classifier: for tests of what is around a network, which it
 * makes three times as fast as the smallest of the library.
 */
export const tinyNetwork: Architecture = { tiny: define(8, { size: 32 }) };

/** Let the model `tiny` be known while the tests around this run. */
export function knowTinyNetwork(): void {
  let takeOut: () => void;
  before(() => {
    takeOut = registerArchitecture(tinyNetwork);
  });
  after(() => takeOut());
}
