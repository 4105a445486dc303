// Lets the search work on pages that are opened from a folder. Browsers start no worker from file:// addresses, so a
// hidden frame runs the worker's script. Only what the theme's search uses of a worker is here: postMessage, terminate,
// "message" events, and importScripts inside, which gives a promise. The file's name tells mkdocs-material's offline plugin
// (material/plugins/offline/plugin.py, 9.8) not to fetch iframe-worker, another such script, from a server.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #frame = document.createElement("iframe");
    #ready;

    constructor(address) {
      super();
      this.onmessage = null;
      this.#frame.hidden = true;
      document.body.append(this.#frame);
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => this.#receive(data);
      inside.importScripts = async (...scripts) => {
        for (const script of scripts) await this.#run(script);
      };
      this.#ready = this.#run(address);
    }

    postMessage(data) {
      const copy = structuredClone(data);
      this.#ready.then(() => {
        const inside = this.#frame.contentWindow;
        inside.dispatchEvent(new inside.MessageEvent("message", { data: copy }));
      });
    }

    terminate() {
      this.#frame.remove();
    }

    // A worker answers later, never while it is being asked.
    #receive(data) {
      setTimeout(() => {
        const event = new MessageEvent("message", { data: structuredClone(data) });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      });
    }

    #run(address) {
      const script = this.#frame.contentDocument.createElement("script");
      script.src = new URL(address, document.baseURI).href;
      return new Promise((done, failed) => {
        script.onload = done;
        script.onerror = () => failed(new Error(`${script.src}: can't be loaded`));
        this.#frame.contentDocument.body.append(script);
      });
    }
  };
}
