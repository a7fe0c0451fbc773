import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../core/errors";
import { asText } from "../core/table";
import type { Dataset } from "../data/dataset";
import { withView } from "../data/view";
import { projectFolder } from "../io/paths";
import { RunFolder } from "../train/run-folder";
import { escapeHtml, show } from "./display";
import { exportWeb } from "./export-web";
import { type PagePictures, type ServedPage, servePage } from "./page-server";

/** What the page is opened with. */
export interface PageOptions {
  /** Folder of a run, whose network the page asks. Default: the small one that comes along. */
  readonly run?: string;
  /** Folder of another run, whose network answers beside it. Default: none. */
  readonly compare?: string;
  /** Galaxies that the page's *Teach* and *Batch* open by a press; it must stay open. Default: none. */
  readonly dataset?: Dataset;
  /** Where it listens, to this machine alone. Default 0: any port that is free. */
  readonly port?: number;
}

/** A page that is open. */
export interface OpenPage extends ServedPage {
  /** Sentences on the networks that it asks. */
  readonly says: readonly string[];
}

/**
 * Build the page of the browser and serve it to this machine, until it is closed.
 *
 * @throws UserError where the page's sources are not there, a run has no network, or the port is taken
 */
export async function openPage(options: PageOptions = {}): Promise<OpenPage> {
  const { run, compare, dataset, port = 0 } = options;
  const folder = join(projectFolder(), "demo");
  const vite = join(projectFolder(), "node_modules", "vite", "bin", "vite.js");
  if (!existsSync(folder) || !existsSync(vite)) {
    throw new UserError(
      `${projectFolder()} does not hold the page's sources`,
      "run this in a clone of the project, after `npm install`",
    );
  }
  const work = mkdtempSync(join(tmpdir(), "tuning-fork-demo-"));
  const remove = () => rmSync(work, { recursive: true, force: true });
  try {
    const says: string[] = [];
    const folders: Record<string, string> = {};
    for (const [name, path] of Object.entries({ model: run, compare })) {
      if (path === undefined) continue;
      folders[name] = join(work, name);
      says.push(...(await exportWeb(new RunFolder(path), folders[name], false)));
    }
    await build(vite, folder);
    const pictures = dataset && picturesOf(dataset);
    const page = await servePage(join(folder, "dist"), { folders, pictures, port });
    const asked = new URLSearchParams({
      ...(compare !== undefined && { compare: "compare/" }),
      ...(dataset !== undefined && { pictures: "pictures/" }),
    }).toString();
    return {
      address: page.address + (asked === "" ? "" : `?${asked}`),
      says,
      close: () => page.close().finally(remove),
    };
  } catch (error) {
    remove();
    throw error;
  }
}

async function build(vite: string, folder: string): Promise<void> {
  const child = spawn(process.execPath, [vite, "build", folder, "--logLevel", "error"], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (text) => errors.push(String(text)));
  const status = await new Promise((done) => child.once("close", done));
  if (status === 0) return;
  throw new UserError(`the page was not built: ${errors.join("").trim()}`, "mend what it says");
}

function picturesOf(opened: Dataset): PagePictures {
  // All of each picture, where they are of one size: the page crops as its network wants it.
  const dataset = opened.sourceSize === undefined ? opened : withView(opened, {});
  const [height, width] = dataset.imageSize;
  return {
    ids: asText(dataset.table.id),
    async png(index) {
      const { default: sharp } = await import("sharp");
      const raw = { width, height, channels: 3 } as const;
      return sharp(await dataset.read([index]), { raw })
        .png()
        .toBuffer();
    },
  };
}

/** Height of the page below a cell, pixels. */
const HEIGHT = 760;

let shown: OpenPage | undefined;

/**
 * Open the page below the cell; *Create New View for Output* in JupyterLab's menu of the output puts it
 * beside the notebook. It lives as long as the kernel, until it is closed, or until it is shown again.
 *
 * The browser must run on this machine, or reach its ports.
 *
 * @throws UserError as {@link openPage} does
 */
export async function showPage(options: PageOptions = {}): Promise<OpenPage> {
  await shown?.close();
  shown = undefined;
  const page = await openPage(options);
  shown = page;
  const { address } = page;
  show({
    "text/plain": address,
    "text/html": `<iframe src="${escapeHtml(address)}" title="The page" style="width:100%;height:${HEIGHT}px;border:0"></iframe>`,
  });
  return page;
}
