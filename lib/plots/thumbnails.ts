import type { Figure } from "./figure";

/** JavaScript: given plotly's div, shows the picture that is a point's custom data beside the pointer. */
export const SHOW_THUMBNAILS = `(div) => {
  const image = document.body.appendChild(new Image());
  image.className = "tuning-fork-thumbnail";
  image.style = "position:fixed;width:128px;display:none;pointer-events:none;z-index:1000";
  div.on("plotly_hover", ({ points: [{ customdata }], event }) => {
    if (!String(customdata).startsWith("data:image/")) return;
    image.src = customdata;
    // Where the window ends, on the other side of the pointer.
    const place = (at, end) => at + (at + 144 > end ? -144 : 16) + "px";
    image.style.left = place(event.clientX, innerWidth);
    image.style.top = place(event.clientY, innerHeight);
    image.style.display = "block";
  });
  div.on("plotly_unhover", () => { image.style.display = "none"; });
}`;

/** Whether a point of the figure has a picture of its own. */
export function hasThumbnails({ data }: Figure): boolean {
  return data.some((trace) => {
    const { customdata } = trace as { readonly customdata?: readonly unknown[] };
    return String(customdata?.[0] ?? "").startsWith("data:image/");
  });
}

/**
 * A script for a notebook, whose renderer draws plotly figures and knows no pictures: it waits for the figures
 * with pictures that nobody has looked after yet.
 */
export const NOTEBOOK_THUMBNAILS = `<script>(() => {
  const show = ${SHOW_THUMBNAILS};
  let left = 100;
  const look = () => {
    for (const div of document.querySelectorAll(".js-plotly-plot")) {
      const pictured = (div.data ?? []).some(({ customdata }) => String(customdata?.[0]).startsWith("data:image/"));
      if (!pictured || !div.on || div.dataset.thumbnails) continue;
      div.dataset.thumbnails = "shown";
      show(div);
    }
    if (left-- > 0) setTimeout(look, 200);
  };
  look();
})()</script>`;
