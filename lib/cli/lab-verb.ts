import { projectFolder } from "../io/paths";
import { withUserErrors } from "./step-error";
import { defineVerb } from "./verb";

export const verb = defineVerb({
  summary: "JupyterLab in this folder, on this machine alone, until Ctrl-C",
  options: {
    port: {
      type: "integer",
      value: "N",
      help: "Where it listens. Default: the first that is free from 8888 on.",
      least: 1,
    },
  },
  async run({ port }) {
    const { choosePort, serveLab } = await import("#setup/lab.mjs");
    return withUserErrors(async () => serveLab(projectFolder(), await choosePort(port)));
  },
});
