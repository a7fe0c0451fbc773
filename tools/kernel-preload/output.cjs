/**
 * No line of output is lost.
 *
 * ZeroMQ takes about five hundred messages in one turn of the event loop; then a send is refused as
 * busy, and tslab, which waits for no send, drops the line. Here a refused message waits its turn.
 */
const { Publisher } = require("./tslab.cjs").fromTslab("zeromq");
const { bind, send } = Publisher.prototype;

/** Messages that wait, by socket; a socket is in the map only while its queue is being emptied. */
const waiting = new Map();

// The native methods are read-only to an assignment, so they are redefined.
Object.defineProperties(Publisher.prototype, {
  bind: {
    value: function (address) {
      this.sendHighWaterMark = 0; // else a slow reader loses what exceeds a thousand messages
      return bind.call(this, address);
    },
  },
  send: {
    value: async function (message) {
      const queue = waiting.get(this);
      if (queue) {
        queue.push(message);
        return;
      }
      try {
        await send.call(this, message);
      } catch (error) {
        if (error.code !== "EBUSY") throw error;
        waiting.set(this, [message]);
        await empty(this);
      }
    },
  },
});

async function empty(socket) {
  const queue = waiting.get(socket);
  while (queue.length > 0) {
    try {
      await send.call(socket, queue[0]);
      queue.shift();
    } catch (error) {
      if (error.code !== "EBUSY") throw error;
      await new Promise(setImmediate);
    }
  }
  waiting.delete(socket);
}

// JupyterLab asks for a history, which tslab has not; it would say so below somebody's cell.
const { warn } = console;
console.warn = (...items) => {
  if (!String(items[0]).startsWith("unknown msg_type")) warn(...items);
};
