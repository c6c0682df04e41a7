import { spawnSync } from "node:child_process";
import { expect } from "chai";
import type { Context } from "mocha";
import { skipBecause } from "../support/skip";

/**
 * Fails with what shellcheck says of a rendered script; skips with the reason where it is not installed.
 *
 * @param but codes that are not asked for, such as SC2034. Default: none.
 */
export function shellcheck(context: Context, script: string, but: readonly string[] = []): void {
  const words = ["-x", "-s", "bash", ...but.flatMap((code) => ["-e", code]), "-"];
  const { error, stdout } = spawnSync("shellcheck", words, { input: script, encoding: "utf8" });
  if (error) {
    skipBecause(context, "shellcheck is not installed");
  }
  expect(stdout).to.equal("");
}
