import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../config/issues";
import { parseHomelab } from "../../config/parse";
import { readStackFile, stackNames } from "../../config/stack-file";
import { homeConfig, root } from "../support/home";

describe("stack file", () => {
  let folder: string;
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-stack-"))));
  after(() => fs.rmSync(folder, { recursive: true }));

  function file(content: string, name = "Pulumi.test.yaml"): string {
    const target = path.join(folder, name);
    fs.writeFileSync(target, content);
    return target;
  }

  function errorOf(target: string): ConfigError {
    try {
      readStackFile(target);
    } catch (error) {
      if (error instanceof ConfigError) {
        return error;
      }
      throw error;
    }
    throw new Error("accepted");
  }

  it("gives the home stack as the engine would", () => {
    expect(readStackFile(path.join(root, "Pulumi.home.yaml"))).to.deep.equal(homeConfig());
  });

  it("keeps the keys of this project only", () => {
    const target = file("encryptionsalt: v1:x\nconfig:\n  homelab:cluster: { generation: 1 }\n  command:x: 1\n");
    expect(readStackFile(target)).to.deep.equal({ cluster: { generation: 1 } });
  });

  it("puts a mark in place of encrypted values, also in lists", () => {
    const target = file(
      "config:\n  homelab:secrets:\n    a: { secure: v1:abc }\n    b: [{ secure: v1:def }]\n    c: { secure: v1, d: 1 }\n",
    );
    expect(readStackFile(target)).to.deep.equal({
      secrets: { a: "[encrypted]", b: ["[encrypted]"], c: { secure: "v1", d: 1 } },
    });
  });

  it("can be planned with every secret encrypted", () => {
    const text = fs
      .readFileSync(path.join(root, "Pulumi.home.yaml"), "utf8")
      .replace(
        /^( +(?:b2ApplicationKeyId|b2ApplicationKey|deadMansSwitch|phone)): "FILL_ME.*$/gm,
        "$1: { secure: v1:abc= }",
      );
    const config = readStackFile(file(text));
    expect(parseHomelab(config).secrets).to.deep.equal({
      b2ApplicationKeyId: "[encrypted]",
      b2ApplicationKey: "[encrypted]",
      deadMansSwitch: "[encrypted]",
      alerts: { phone: "[encrypted]" },
    });
  });

  it("fails on a section that is encrypted as a whole", () => {
    const { issues } = errorOf(file("config:\n  homelab:secrets: { secure: v1:abc }\n"));
    expect(issues[0]).to.include({ path: "secrets" });
    expect(issues[0].fix).to.include("pulumi config set --secret --path");
  });

  it("fails on a missing file with the stacks that exist", () => {
    file("config: {}\n", "Pulumi.attic.yaml");
    file("config: {}\n", "Pulumi.cellar.yml");
    const { issues } = errorOf(path.join(folder, "Pulumi.nowhere.yaml"));
    expect(issues[0].path).to.equal("Pulumi.nowhere.yaml");
    expect(issues[0].allowed).to.include("attic, cellar");
    expect(stackNames(path.join(folder, "nowhere"))).to.deep.equal([]);
  });

  it("fails on a syntax error with file, line and column, and shows nothing of the line", () => {
    const { issues } = errorOf(file('config:\n  homelab:secrets:\n    a: "hunter2" hunter2\n'));
    expect(issues[0].path).to.match(/^Pulumi\.test\.yaml, line 3, column 18$/);
    expect(JSON.stringify(issues)).not.to.include("hunter2");
  });

  it("fails on a key that stands twice", () => {
    const { issues } = errorOf(file("config:\n  homelab:cluster: {}\n  homelab:cluster: {}\n"));
    expect(issues[0].path).to.include("line 3");
  });

  it("fails on a value that looks like an alias, and does not show it", () => {
    const { message } = errorOf(file("config:\n  homelab:secrets: { a: *hunter2 }\n"));
    expect(message).to.include("quotes").and.not.include("hunter2");
  });

  for (const [what, content] of [
    ["an empty file", ""],
    ["no config", "encryptionsalt: x\n"],
    ["a list as config", "config: [1]\n"],
    ["a text", "hello\n"],
  ]) {
    it(`fails on ${what}`, () => {
      expect(errorOf(file(content)).issues[0].allowed).to.include("config");
    });
  }
});
