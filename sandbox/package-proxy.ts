import * as http from "node:http";
import * as net from "node:net";
import { debianMirror } from "./debian";

/** The one way out of a machine: the Debian mirror, read-only. */
export interface PackageProxy {
  /** On 127.0.0.1. */
  port: number;
  stop(): void;
}

/** An HTTP proxy for apt inside of machines. It fetches from the configured mirror and refuses everything else. */
export async function startPackageProxy(): Promise<PackageProxy> {
  const mirror = debianMirror();
  const server = http.createServer((request, response) => {
    const refuse = (status: number, reason: string) => {
      response.writeHead(status, { "content-type": "text/plain" });
      response.end(`${reason}\n`);
    };
    const url = URL.canParse(request.url ?? "") ? new URL(request.url ?? "") : undefined;
    if (request.method !== "GET" || url?.host !== mirror.host || url.protocol !== "http:") {
      refuse(403, `only packages of ${mirror.host} by GET are let through`);
      return;
    }
    // Of a request to a proxy, what is meant for the proxy itself is left out.
    const headers: http.OutgoingHttpHeaders = { ...request.headers, host: mirror.host, connection: "close" };
    delete headers["proxy-connection"];
    http
      .get(url, { headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      })
      .once("error", (error) => (response.headersSent ? response.destroy() : refuse(502, error.message)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  // It serves as long as something else keeps the program running.
  server.unref();
  return {
    port: (server.address() as net.AddressInfo).port,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
