import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";
import { blobFile, imagesInLayout } from "./layout";

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MANIFEST = /^\/v2\/(?<name>[a-z0-9][a-z0-9._/-]*)\/manifests\/(?<reference>[A-Za-z0-9_.:-]+)$/;
const BLOB = /^\/v2\/[a-z0-9][a-z0-9._/-]*\/blobs\/(?<digest>sha256:[0-9a-f]{64})$/;
const PLAIN = /^\/(files\/[0-9a-f]{64}|charts)\/[A-Za-z0-9][A-Za-z0-9._+%-]*$/;

/**
 * Serves a mirror's folder, read-only: files and charts as they lie, and images by the pull half of the OCI distribution
 * API. containerd names the registry that it really means in the query `ns`.
 */
export function mirrorServer(folder: string): http.Server {
  return http.createServer((request, response) => {
    const { status, file, type, digest } = locate(folder, request.method ?? "", request.url ?? "");
    const headers: http.OutgoingHttpHeaders = { "docker-distribution-api-version": "registry/2.0" };
    if (file === undefined) {
      response.writeHead(status, { ...headers, "content-type": "application/json" });
      response.end(status === 200 ? "{}" : `{"errors":[{"code":"${status === 405 ? "UNSUPPORTED" : "NOT_FOUND"}"}]}`);
      return;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": type,
      "content-length": fs.statSync(file).size,
      ...(digest === undefined ? {} : { "docker-content-digest": digest }),
    });
    if (request.method === "HEAD") {
      response.end();
    } else {
      fs.createReadStream(file)
        .once("error", () => response.destroy())
        .pipe(response);
    }
  });
}

interface Located {
  status: number;
  file?: string;
  type?: string;
  digest?: string;
}

function locate(folder: string, method: string, target: string): Located {
  if (method !== "GET" && method !== "HEAD") {
    return { status: 405 };
  }
  const { pathname, searchParams } = new URL(target, "http://mirror");
  if (pathname === "/v2/") {
    return { status: 200 };
  }
  const manifest = MANIFEST.exec(pathname)?.groups;
  if (manifest) {
    const digest = DIGEST.test(manifest.reference)
      ? manifest.reference
      : tagged(folder, manifest.name, manifest.reference, searchParams.get("ns"));
    return digest === undefined ? { status: 404 } : blob(folder, digest, mediaType);
  }
  const digest = BLOB.exec(pathname)?.groups?.digest;
  if (digest !== undefined) {
    return blob(folder, digest, () => "application/octet-stream");
  }
  const file = path.join(folder, decodeURIComponent(pathname));
  return PLAIN.test(pathname) && isFile(file)
    ? { status: 200, file, type: "application/octet-stream" }
    : { status: 404 };
}

/** The digest of a tag. Without `ns` the name alone must tell: an image of two registries is nobody's. */
function tagged(folder: string, name: string, tag: string, registry: string | null): string | undefined {
  const images = imagesInLayout(folder);
  if (registry !== null) {
    return images.get(`${registry}/${name}:${tag}`);
  }
  const digests = [...images].filter(([full]) => full.slice(full.indexOf("/") + 1) === `${name}:${tag}`);
  return digests.length === 1 ? digests[0][1] : undefined;
}

function blob(folder: string, digest: string, type: (file: string) => string): Located {
  const file = blobFile(folder, digest);
  return isFile(file) ? { status: 200, file, type: type(file), digest } : { status: 404 };
}

/** containerd asks for what it is told a manifest is; the manifest says so itself. */
function mediaType(file: string): string {
  const manifest = JSON.parse(fs.readFileSync(file, "utf8")) as { mediaType?: string; manifests?: unknown };
  return (
    manifest.mediaType ?? `application/vnd.oci.image.${manifest.manifests === undefined ? "manifest" : "index"}.v1+json`
  );
}

function isFile(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}
