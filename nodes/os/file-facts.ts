import { createHash } from "node:crypto";
import type { HostFile } from "../host-script";
import type { Facts } from "../host-state";

/** sha256 of a file as a step installs it, for comparison with `file_hash` on the machine. Not for secret files. */
export function contentHash({ path, content }: HostFile): string {
  if (typeof content !== "string") {
    throw new Error(`${path} holds a secret, whose hash would be kept in the state`);
  }
  // As in renderFiles: a file ends with a newline.
  return createHash("sha256")
    .update(content.endsWith("\n") ? content : `${content}\n`)
    .digest("hex");
}

/** Facts `file.<path>` of files that a step installs. */
export function fileFacts(files: readonly HostFile[]): Facts {
  return Object.fromEntries(files.map((file) => [`file.${file.path}`, contentHash(file)]));
}
