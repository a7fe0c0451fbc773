/**
 * An extension of JupyterLab: a notebook that is opened while its kernel computes shows what its cells have
 * shown meanwhile, and goes on doing so. JupyterLab itself only shows what comes while a page is open.
 *
 * Plain JavaScript in the form in which webpack federates modules, so that nothing has to be bundled.
 */
(() => {
  const NAME = "tuning-fork";
  const PLOTLY = "application/vnd.plotly.v1+json";
  let shared;

  /** One of JupyterLab's own packages. */
  async function jupyterLab(name) {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  }

  /** Put one output in its place. */
  function showOutput(outputs, at, output) {
    if (at >= outputs.length) {
      outputs.add(output);
      return;
    }
    const figure = output.data?.[PLOTLY];
    if (figure) {
      // The renderer of figures draws once; another form in between makes JupyterLab begin a new one.
      const height = Number(figure.layout?.height ?? 360);
      const gap = { "text/html": `<div style="height:${height}px"></div>` };
      outputs.set(at, { output_type: "display_data", data: gap, metadata: {} });
    }
    outputs.set(at, output);
  }

  /** Bring a cell to where the kernel says it is. */
  function update(notebook, caughtUp, { id, count, running, outputs }) {
    const cell = [...notebook.model.cells].find((model) => model.id === id);
    if (!cell?.outputs) return;
    if (!caughtUp.has(id)) {
      caughtUp.add(id);
      cell.outputs.clear();
    }
    cell.trusted = true; // as of any cell that is run
    for (const { at, output } of outputs) showOutput(cell.outputs, at, output);
    cell.executionCount = running ? null : count;
    if ("executionState" in cell) cell.executionState = running ? "running" : "idle";
  }

  function activate(tracker, NotebookActions) {
    const comms = new Map();
    const watch = (panel) => {
      const connect = async () => {
        await panel.context.ready;
        const kernel = panel.sessionContext.session?.kernel;
        if (kernel?.name !== "tslab" || comms.get(panel)?.kernel === kernel) return;
        const comm = kernel.createComm(`${NAME}.outputs`);
        comms.set(panel, { kernel, comm });
        const caughtUp = new Set();
        comm.onMsg = ({ content }) => {
          if (panel.isDisposed) return;
          for (const cell of content.data.cells) {
            update(panel.content, caughtUp, cell);
            if (!cell.running) comm.send({ seen: cell.id });
          }
        };
        comm.open();
      };
      panel.sessionContext.kernelChanged.connect(connect);
      panel.sessionContext.ready.then(connect);
      panel.disposed.connect(() => {
        const known = comms.get(panel);
        comms.delete(panel);
        if (known && !known.comm.isDisposed && !known.kernel.isDisposed) known.comm.close();
      });
    };
    tracker.forEach(watch);
    tracker.widgetAdded.connect((_, panel) => watch(panel));
    window.addEventListener("pagehide", () => {
      for (const { comm } of comms.values()) if (!comm.isDisposed) comm.close();
    });
    NotebookActions.executed.connect((_, { notebook, cell }) => {
      for (const [panel, { comm }] of comms)
        if (panel.content === notebook && !comm.isDisposed) comm.send({ seen: cell.model.id });
    });
  }

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB[NAME] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const { INotebookTracker, NotebookActions } = await jupyterLab("@jupyterlab/notebook");
      return () => ({
        __esModule: true,
        default: {
          id: `${NAME}:catch-up`,
          description: "Shows what cells showed while their notebook was closed.",
          autoStart: true,
          requires: [INotebookTracker],
          activate: (_app, tracker) => activate(tracker, NotebookActions),
        },
      });
    },
  };
})();
