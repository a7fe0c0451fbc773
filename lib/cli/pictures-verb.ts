import { addPictures } from "../notebook/still-pictures";
import { defineVerb, say } from "./verb";

export const verb = defineVerb({
  summary: "Put still pictures beside the figures of saved notebooks",
  details:
    "For GitHub and nbconvert, which draw no interactive figures. The files are written anew.",
  words: { name: "FILE.ipynb", count: [1, Number.POSITIVE_INFINITY] },
  options: {},
  async run(_values, paths) {
    for (const path of paths) say(`${path}: ${await addPictures(path)} figures have a picture`);
    return undefined;
  },
});
