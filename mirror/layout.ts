import * as fs from "node:fs";
import * as path from "node:path";
import { MIRRORED_IMAGES } from "../config/mirror";

/** Name of an image in the layout's index (opencontainers/image-spec annotations.md). */
const REF_NAME = "org.opencontainers.image.ref.name";

interface Descriptor {
  mediaType?: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** Images in a mirror's folder: full reference to the digest of its manifest. Empty if there are none yet. */
export function imagesInLayout(folder: string): Map<string, string> {
  const file = path.join(folder, MIRRORED_IMAGES, "index.json");
  if (!fs.existsSync(file)) {
    return new Map();
  }
  const { manifests = [] } = JSON.parse(fs.readFileSync(file, "utf8")) as { manifests?: Descriptor[] };
  return new Map(
    manifests.flatMap(({ digest, annotations }) => {
      const name = annotations?.[REF_NAME];
      return name === undefined ? [] : [[name, digest] as const];
    }),
  );
}

/** File of a blob: layer, configuration or manifest. */
export function blobFile(folder: string, digest: string): string {
  const [algorithm, hex] = digest.split(":");
  return path.join(folder, MIRRORED_IMAGES, "blobs", algorithm, hex);
}

/** Everything that a manifest points to, itself included; used to see whether an image is complete. */
export function blobsOf(folder: string, digest: string): string[] {
  const file = blobFile(folder, digest);
  if (!fs.existsSync(file)) {
    return [digest];
  }
  const manifest = JSON.parse(fs.readFileSync(file, "utf8")) as {
    config?: Descriptor;
    layers?: Descriptor[];
    manifests?: Descriptor[];
  };
  const leaves = [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? [])].map((leaf) => leaf.digest);
  return [digest, ...leaves, ...(manifest.manifests ?? []).flatMap((child) => blobsOf(folder, child.digest))];
}
