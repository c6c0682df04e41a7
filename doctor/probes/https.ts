import * as https from "node:https";
import type { TLSSocket } from "node:tls";
import type { Deadline } from "../deadline";

export interface Answer {
  status: number;
  body: string;
  /** End of the server's certificate, in milliseconds since 1970. */
  certificateEnd?: number;
}

/** One HTTPS request. Redirects are not followed: they would carry credentials elsewhere. Rejects with what went wrong. */
export function request(
  url: string,
  options: https.RequestOptions & { body?: string },
  deadline: Deadline,
): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const call = https.request(url, { ...rest, agent: false }, (response) => {
      const parts: Buffer[] = [];
      const socket = response.socket as TLSSocket;
      const end = Date.parse(socket.getPeerCertificate().valid_to);
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(parts).toString("utf8"),
          ...(Number.isNaN(end) ? {} : { certificateEnd: end }),
        });
      });
    });
    const timer = setTimeout(() => call.destroy(new Error("no answer in time")), deadline.left());
    call.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        error.code === undefined || error.message.includes(error.code)
          ? error
          : new Error(`${error.code}: ${error.message}`),
      );
    });
    call.end(body);
  });
}
