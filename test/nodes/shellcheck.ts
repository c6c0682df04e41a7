import { spawnSync } from "node:child_process";
import { expect } from "chai";
import type { Context } from "mocha";
import { skipBecause } from "../support/skip";

/** Fails with what shellcheck says of a rendered script; skips with the reason where it is not installed. */
export function shellcheck(context: Context, script: string): void {
  const { error, stdout } = spawnSync("shellcheck", ["-x", "-s", "bash", "-"], { input: script, encoding: "utf8" });
  if (error) {
    skipBecause(context, "shellcheck is not installed");
  }
  expect(stdout).to.equal("");
}
