import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { removeFolder } from "./processes";

/** Sizes of an entry's files, written last: an entry without it, or with other sizes, is no finished one. */
const MANIFEST = "manifest.json";

/** Folder of everything that outlives a run. */
export function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "homelab-sandbox");
}

/** An entry of the cache. */
export interface Cached {
  folder: string;
  /** Built now, or found. */
  fresh: boolean;
}

/**
 * The entry of exactly these inputs, from the cache or built now. A broken entry (a file missing or cut off, as by a full
 * disk) is built anew. Two builders of the same entry do not disturb each other: the first to finish wins.
 *
 * @param kind first part of the entry's name.
 * @param inputs everything that the result depends on; any JSON.
 * @param build fills a folder; what it throws leaves nothing behind.
 */
export async function cached(kind: string, inputs: unknown, build: (folder: string) => Promise<void>): Promise<Cached> {
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const folder = path.join(cacheFolder(), `${kind}-${key}`);
  fs.mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
  forgetUnused();
  if (isWhole(folder)) {
    fs.utimesSync(folder, new Date(), new Date());
    return { folder, fresh: false };
  }
  const building = fs.mkdtempSync(path.join(cacheFolder(), "building-"));
  try {
    await build(building);
    fs.writeFileSync(path.join(building, MANIFEST), JSON.stringify(sizes(building)));
    if (!isWhole(folder)) {
      removeFolder(folder);
      fs.renameSync(building, folder);
    }
  } finally {
    removeFolder(building);
  }
  return { folder, fresh: true };
}

function sizes(folder: string): Record<string, number> {
  const files = fs.readdirSync(folder).filter((name) => name !== MANIFEST);
  return Object.fromEntries(files.sort().map((name) => [name, fs.statSync(path.join(folder, name)).size]));
}

function isWhole(folder: string): boolean {
  const manifest = path.join(folder, MANIFEST);
  return fs.existsSync(manifest) && fs.readFileSync(manifest, "utf8") === JSON.stringify(sizes(folder));
}

/** Deletes entries that nobody has used for a month, and what killed builds have left. */
function forgetUnused(): void {
  for (const name of fs.readdirSync(cacheFolder())) {
    const folder = path.join(cacheFolder(), name);
    const days = name.startsWith("building-") ? 1 : 30;
    const { mtimeMs } = fs.statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > days * 86_400_000) {
      removeFolder(folder);
    }
  }
}
