/** Version of this library, as its `package.json` has it; a saved model says which one wrote it. */
export const VERSION = "0.1.0";
