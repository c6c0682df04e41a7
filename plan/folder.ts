import * as fs from "node:fs";
import * as path from "node:path";
import type { Artefacts } from "./artefacts";
import { UserError } from "./user-error";

/** Marks a folder as ours: only such a folder is ever replaced. */
const MARKER = ".homelab-plan";

/**
 * Writes a plan as a whole or not at all. An existing folder is replaced only if an earlier plan made it.
 *
 * @throws UserError if something else stands there.
 */
export function writePlan(folder: string, artefacts: Artefacts): void {
  const target = path.resolve(folder);
  if (fs.existsSync(target) && !fs.existsSync(path.join(target, MARKER)) && !isEmptyFolder(target)) {
    throw new UserError(
      `${folder} exists and is not a plan. Nothing was written. Choose another folder with --out, or remove it yourself.`,
    );
  }
  const fresh = temporaryFolderBeside(target, folder);
  try {
    fs.chmodSync(fresh, 0o755);
    fs.writeFileSync(path.join(fresh, MARKER), "Written by npm run plan, and replaced by the next run.\n");
    for (const [name, text] of artefacts) {
      const file = path.join(fresh, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, text);
    }
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(fresh, target);
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
}

function temporaryFolderBeside(target: string, folder: string): string {
  try {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    return fs.mkdtempSync(path.join(path.dirname(target), ".plan-"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`nothing can be written beside ${folder}: ${reason}. Choose another folder with --out.`);
  }
}

/**
 * Reads a plan written before.
 *
 * @throws UserError if the folder is not one.
 */
export function readPlan(folder: string): Map<string, string> {
  if (!fs.existsSync(path.join(folder, MARKER))) {
    throw new UserError(`${folder} is not the folder of a plan. Write one first: npm run plan -- --out ${folder}`);
  }
  return new Map(
    fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== MARKER)
      .map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(folder, file).split(path.sep).join("/"), fs.readFileSync(file, "utf8")] as const;
      }),
  );
}

function isEmptyFolder(target: string): boolean {
  return fs.statSync(target).isDirectory() && fs.readdirSync(target).length === 0;
}
