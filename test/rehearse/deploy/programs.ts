import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Stack } from "../../../rehearse/deploy/deployer";
import { PROGRAM_FILES } from "../../support/engine";
import { root } from "../../support/home";

/** A Pulumi program in a folder of its own, with a state of its own. */
export class ProgramFolder {
  public readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-harness-"));
  public readonly stateFile = path.join(this.folder, "state", "rehearsal.json");

  public constructor(program: string) {
    fs.symlinkSync(path.join(root, "node_modules"), path.join(this.folder, "node_modules"));
    for (const [name, text] of Object.entries(PROGRAM_FILES)) {
      fs.writeFileSync(this.path(name), text);
    }
    this.write(program);
  }

  public write(program: string): void {
    fs.writeFileSync(path.join(this.folder, "index.ts"), program);
  }

  public stack(more: Partial<Stack> = {}): Stack {
    const { folder, stateFile } = this;
    return { name: "test", config: {}, stateFile, notRehearsed: {}, program: folder, ...more };
  }

  public path(name: string): string {
    return path.join(this.folder, name);
  }

  public read(name: string): string {
    return fs.readFileSync(this.path(name), "utf8");
  }

  public remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
