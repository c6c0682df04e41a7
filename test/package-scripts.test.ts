import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { root } from "./support/home";

// Mocha's own search; its types do not have it.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { lookupFiles } = require("mocha/lib/cli/cli") as {
  lookupFiles: (spec: string, extensions: string[]) => string[];
};

const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
/** What --ignore gets names no tests. */
const IGNORED = /--ignore (?:"([^"]*)"|(\S+))/g;
/** Nor what --reporter gets. */
const NO_TESTS = new RegExp(`${IGNORED.source}|--reporter \\S+`, "g");
/** Files and patterns of a call of mocha, as the shell hands them over. */
const specs = (command: string): string[] =>
  [...command.replaceAll(NO_TESTS, "").matchAll(/(?:"(test\/[^"]*)"|(?<= )(test\/\S+))/g)].map(
    ([, quoted, bare]) => quoted ?? bare,
  );

describe("the commands that run tests", () => {
  for (const [name, command] of Object.entries(scripts).filter(([, text]) => /\bmocha\b/.test(text))) {
    it(`npm run ${name}: each of its patterns finds tests`, () => {
      const patterns = specs(command);
      expect(patterns).not.to.deep.equal([]);
      for (const pattern of patterns) {
        // Throws what mocha itself says of a pattern without tests.
        expect(lookupFiles(path.join(root, pattern), ["ts"]), pattern).not.to.deep.equal([]);
      }
    });
  }

  it("every suite on machines runs in one lane of npm run test:machines, and in no other", () => {
    const files = (pattern: string) => lookupFiles(path.join(root, pattern), ["ts"]) as string | string[];
    const lanes = Object.entries(scripts).filter(([name]) => name.startsWith("test:machines:"));
    const run = lanes.flatMap(([, command]) => {
      const ignored = [...command.matchAll(IGNORED)].flatMap(([, quoted, bare]) => files(quoted ?? bare));
      // A file that is named first and then found again runs once.
      return [...new Set(specs(command).flatMap(files))].filter((file) => !ignored.includes(file));
    });
    expect(run.sort()).to.deep.equal([...files("test/machines/**/*.test.ts")].sort());
  });
});
