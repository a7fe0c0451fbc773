/**
 * The kernel watches no files.
 *
 * tslab's compiler follows every declaration it has read, while Node keeps the modules it has
 * loaded: after a rebuild of the library the two would disagree, and a folder that goes away in the
 * meantime throws in the middle of a cell. A changed library is picked up by a kernel restart.
 */
const { sys } = require("./tslab.cjs").fromTslab("@tslab/typescript-for-tslab");

const nothing = () => ({ close() {} });
sys.watchFile = nothing;
sys.watchDirectory = nothing;
