import type { Locator, Page } from "playwright-core";
import sharp from "sharp";

/** What JupyterLab shows above and below a notebook, pixels. */
const BARS = 200;

/** A notebook open in JupyterLab, driven as a person does: by keyboard, one cell after another. */
export class NotebookPage {
  constructor(private readonly page: Page) {}

  /** Wait until the notebook stands there and its kernel is idle; then select the first cell. */
  async ready(): Promise<void> {
    await this.page.locator(".jp-Notebook .jp-Cell").first().waitFor({ timeout: 120_000 });
    await this.page.locator("#jp-main-statusbar").getByText("| Idle").waitFor({ timeout: 120_000 });
    await this.cell(0).click();
    await this.page.keyboard.press("Escape");
    await this.page.keyboard.press("Control+Home");
  }

  cell(index: number): Locator {
    return this.page.locator(`.jp-Notebook .jp-Cell[data-windowed-list-index="${index}"]`);
  }

  /**
   * Run the selected cell with Shift+Enter and wait for its end.
   *
   * @returns what its output said while it ran, each new text once.
   */
  async run(index: number, timeoutMs: number): Promise<string[]> {
    await this.page.keyboard.press("Shift+Enter");
    const cell = this.cell(index);
    if (!(await cell.evaluate((node) => node.classList.contains("jp-CodeCell")))) return [];
    const texts: string[] = [];
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { prompt, text } = await cell.evaluate((node) => ({
        prompt: node.querySelector(".jp-InputPrompt")?.textContent ?? "",
        text: node.querySelector(".jp-Cell-outputArea")?.textContent ?? "",
      }));
      if (/\[\d+\]/.test(prompt)) return texts;
      if (text !== "" && text !== texts[texts.length - 1]) texts.push(text);
      if (Date.now() > deadline) throw new Error(`cell ${index} still runs after ${timeoutMs} ms`);
      await this.page.waitForTimeout(100);
    }
  }

  /** Standard error and error outputs of a cell: tslab reports errors there. */
  async complaints(index: number): Promise<string> {
    const outputs = this.cell(index).locator(
      '[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"]',
    );
    return (await outputs.allInnerTexts()).join("\n");
  }

  /** The plotly figures below a cell, drawn. */
  async figures(index: number): Promise<Locator[]> {
    const figures = this.cell(index).locator(".js-plotly-plot");
    if ((await figures.count()) > 0) await figures.first().scrollIntoViewIfNeeded();
    return figures.all();
  }

  /** Save a picture of a cell with its output, in a window that is high enough for all of it. */
  async picture(index: number, path: string): Promise<void> {
    const cell = this.cell(index);
    const usual = this.page.viewportSize();
    const { height } = (await cell.boundingBox()) ?? { height: 0 };
    const high = usual !== null && height + BARS > usual.height;
    if (high) await this.page.setViewportSize({ ...usual, height: Math.ceil(height) + BARS });
    await cell.screenshot({ path, animations: "disabled" });
    if (high) await this.page.setViewportSize(usual);
  }

  async save(): Promise<void> {
    await this.page.keyboard.press("Control+s");
    await this.page
      .locator(".jp-mod-current.jp-mod-dirty")
      .waitFor({ state: "detached", timeout: 10_000 });
  }
}

/** How many values the figure's longest trace has, as drawn. */
export function pointsOf(figure: Locator): Promise<number> {
  return figure.evaluate((node) => {
    const traces = (node as unknown as { data: { y?: unknown[] }[] }).data;
    return Math.max(...traces.map(({ y }) => y?.length ?? 0));
  });
}

/**
 * How much is drawn inside a figure's axes (or its whole area, if it has none).
 *
 * @returns the share of pixels that are not of the most frequent color, 0–1.
 */
export async function inkOf(figure: Locator): Promise<number> {
  const axes = figure.locator(".nsewdrag").first();
  const target = (await axes.count()) > 0 ? axes : figure;
  const png = await target.screenshot();
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const counts = new Map<number, number>();
  for (let i = 0; i < data.length; i += 3) {
    const color = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return 1 - Math.max(...counts.values()) / (info.width * info.height);
}
