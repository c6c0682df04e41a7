import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { MIRRORED_IMAGES } from "../config/mirror";
import { blobFile, blobsOf, imagesInLayout } from "./layout";

/** An image in the mirror. */
export interface MirroredImage {
  digest: string;
  /** False if it was there already. */
  fetched: boolean;
}

/**
 * Whether the layout holds an image with everything that belongs to it. A reference by digest is its own proof; a tag is
 * looked up in the layout's index.
 */
export function completeImage(folder: string, reference: string): string | undefined {
  const digest = digestOf(reference) ?? imagesInLayout(folder).get(reference);
  return digest !== undefined && blobsOf(folder, digest).every((blob) => fs.existsSync(blobFile(folder, blob)))
    ? digest
    : undefined;
}

/**
 * Copies an image into the mirror's layout with skopeo, which knows registries, their logins and their retries. A tag is
 * copied for amd64 alone; a digest names one exact manifest, often an index of all platforms, and is copied whole.
 *
 * @throws Error with what skopeo said last.
 */
export async function mirrorImage(folder: string, reference: string): Promise<MirroredImage> {
  const present = completeImage(folder, reference);
  if (present !== undefined) {
    return { digest: present, fetched: false };
  }
  const layout = path.join(folder, MIRRORED_IMAGES);
  fs.mkdirSync(layout, { recursive: true });
  const pinned = digestOf(reference);
  // skopeo takes a tag or a digest, not both; the digest is the stronger.
  const [name] = reference.split("@");
  const source = pinned === undefined ? name : `${name.replace(/:[^/:]*$/, "")}@${pinned}`;
  const platform = pinned === undefined ? ["--override-os", "linux", "--override-arch", "amd64"] : [];
  const copied = pinned === undefined ? [] : ["--all", "--preserve-digests"];
  await skopeo([...platform, "copy", "--retry-times", "3", ...copied, `docker://${source}`, `oci:${layout}:${name}`]);
  const digest = completeImage(folder, reference);
  if (digest === undefined) {
    throw new Error(`skopeo copied ${reference}, and it is not complete in ${layout}`);
  }
  return { digest, fetched: true };
}

function digestOf(reference: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
}

async function skopeo(args: readonly string[]): Promise<void> {
  const child = spawn("skopeo", args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data: Buffer) => (said += data.toString("utf8")));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status !== 0) {
    throw new Error(said.trim().split("\n").pop() ?? `skopeo ended with status ${status}`);
  }
}
