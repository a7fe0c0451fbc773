import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Pictures } from "#lib/predict/image-batch";
import { type Crop, drawMap, inside, toCanvas } from "./draw";

/** Pixels of the shown square. */
export const VIEW = 448;

/** The part of a picture that the network sees: dragged, zoomed by wheel, pinch or keys. */
export function CropView(props: {
  readonly picture: Pictures;
  readonly crop: Crop;
  readonly onCrop: (crop: Crop) => void;
  /** `[n, n]`, 0…1, over the crop. Default: none. */
  readonly map?: ArrayLike<number>;
  /** Of the map, 0…1. */
  readonly opacity: number;
}) {
  const { picture, crop, onCrop, map, opacity } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const source = useMemo(() => toCanvas(picture), [picture]);
  const fingers = useRef(new Map<number, { x: number; y: number }>());

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.imageSmoothingEnabled = crop.side > VIEW / 6;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, crop.left, crop.top, crop.side, crop.side, 0, 0, VIEW, VIEW);
  }, [source, crop]);
  useEffect(() => {
    if (map && overlay.current) drawMap(overlay.current, map);
  }, [map]);

  const change = (next: Crop) => onCrop(inside(next, picture.size));
  const zoom = (factor: number) => {
    const side = crop.side * factor;
    const shift = (crop.side - side) / 2;
    change({ left: crop.left + shift, top: crop.top + shift, side });
  };
  const move = (x: number, y: number) =>
    change({ ...crop, left: crop.left + x * crop.side, top: crop.top + y * crop.side });
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => move(-0.05, 0),
    ArrowRight: () => move(0.05, 0),
    ArrowUp: () => move(0, -0.05),
    ArrowDown: () => move(0, 0.05),
    "+": () => zoom(1 / 1.15),
    "=": () => zoom(1 / 1.15),
    "-": () => zoom(1.15),
  };
  const onPointerMove = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const last = fingers.current.get(event.pointerId);
    if (last === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    fingers.current.set(event.pointerId, now);
    if (other !== undefined) {
      const distance = (p: typeof now) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
      zoom(distance(last) / distance(now));
      return;
    }
    const width = event.currentTarget.clientWidth;
    move((last.x - now.x) / width, (last.y - now.y) / width);
  };
  const lift = ({ pointerId }: PointerEvent) => void fingers.current.delete(pointerId);

  return (
    <div
      class="crop"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes keys
      tabIndex={0}
      aria-label={`Crop of ${crop.side} × ${crop.side} pixels. Arrow keys move it, plus and minus zoom.`}
      data-crop={`${crop.left},${crop.top},${crop.side}`}
      onKeyDown={(event) => {
        if (!Object.hasOwn(keys, event.key)) return;
        event.preventDefault();
        keys[event.key]();
      }}
      onWheel={(event) => {
        event.preventDefault();
        zoom(event.deltaY > 0 ? 1.1 : 1 / 1.1);
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        fingers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      }}
      onPointerMove={onPointerMove}
      onPointerUp={lift}
      onPointerCancel={lift}
    >
      <canvas ref={canvas} width={VIEW} height={VIEW} />
      <canvas ref={overlay} class="overlay" style={{ opacity: map ? opacity : 0 }} />
    </div>
  );
}
