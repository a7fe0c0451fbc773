/** Drawn points of a figure above which they become one picture: thousands of paths are slow everywhere. */
export const MOST_POINTS = 3000;

/**
 * What runs in the page that draws: functions of `window`. Plotly names clip paths with Math.random: fixed, so
 * that the same figure gives the same bytes.
 */
export const IN_PAGE = `
const parse = (svg) => new DOMParser().parseFromString(svg, "image/svg+xml");
const serialize = (doc) => new XMLSerializer().serializeToString(doc.documentElement);
const draw = async (svg, width, height) => {
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  return canvas.toDataURL("image/png");
};
// Many points become one picture above the axes; everything else stays vectors.
const rasterizePoints = async (svg, width, height, dotsPerPixel) => {
  const doc = parse(svg);
  const groups = [...doc.querySelectorAll("g.points")];
  const points = groups.reduce((sum, group) => sum + group.childElementCount, 0);
  if (points <= ${MOST_POINTS}) return svg;
  const alone = doc.cloneNode(true);
  const kept = new Set([alone.documentElement]);
  for (const group of alone.querySelectorAll("g.points, defs")) {
    for (const inside of group.querySelectorAll("*")) kept.add(inside);
    for (let at = group; at && at.nodeType === 1; at = at.parentNode) kept.add(at);
  }
  for (const node of alone.querySelectorAll("*")) if (!kept.has(node)) node.remove();
  const [w, h] = [width, height].map((length) => Math.round(length * dotsPerPixel));
  const image = doc.createElementNS("http://www.w3.org/2000/svg", "image");
  const uri = await draw(serialize(alone), w, h);
  for (const [name, value] of Object.entries({ x: 0, y: 0, width, height, href: uri }))
    image.setAttribute(name, value);
  doc.querySelector(".cartesianlayer").after(image);
  for (const group of groups) group.remove();
  return serialize(doc);
};
window.tuningForkSvg = async ({ data, layout, dotsPerPixel }) => {
  let state = 1;
  Math.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const div = document.createElement("div");
  document.body.append(div);
  try {
    await Plotly.newPlot(div, data, layout, { staticPlot: true });
    const { width, height } = layout;
    const uri = await Plotly.toImage(div, { format: "svg", width, height });
    const svg = decodeURIComponent(uri.slice(uri.indexOf(",") + 1));
    return await rasterizePoints(svg, width, height, dotsPerPixel);
  } finally {
    Plotly.purge(div);
    div.remove();
  }
};
window.tuningForkPng = async ({ svg, width, height }) =>
  (await draw(svg, width, height)).split(",")[1];
// The smallest lettering and the thinnest line that can be seen, in pixels of the figure.
window.tuningForkMeasure = (svg) => {
  const holder = document.createElement("div");
  holder.innerHTML = svg;
  document.body.append(holder);
  try {
    const least = { texts: [], letters: "" };
    const own = (node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim() !== "");
    for (const node of holder.querySelectorAll("text, tspan")) {
      if (!own(node)) continue;
      least.letters += node.textContent;
      const size = parseFloat(getComputedStyle(node).fontSize);
      if (!(size >= least.textSize)) Object.assign(least, { textSize: size, text: node.textContent });
    }
    for (const node of holder.querySelectorAll("path, line, rect, circle")) {
      if (node.closest("defs, clipPath")) continue;
      const { stroke, strokeWidth, strokeOpacity, opacity, display } = getComputedStyle(node);
      const width = parseFloat(strokeWidth);
      const hidden = stroke === "none" || /, 0\\)$/.test(stroke) || display === "none";
      if (hidden || width === 0 || strokeOpacity === "0" || opacity === "0") continue;
      if (!(width >= least.lineWidth)) least.lineWidth = width;
    }
    return least;
  } finally {
    holder.remove();
  }
};`;
