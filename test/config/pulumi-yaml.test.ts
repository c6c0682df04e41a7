import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { z } from "zod";
import { describedKeys } from "../../config/meaning";
import { configKeys, homelabSchema } from "../../config/schema";
import { unwrap } from "../../config/schema-keys";
import { root } from "../support/home";

interface Project {
  name: string;
  main?: string;
  runtime: { name: string; options: Record<string, unknown> };
  packages: Record<string, { source: string; version: string; parameters: string[] }>;
  config: Record<string, { type: string; items?: { type: string }; description: string }>;
}

const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");
const project = parse(read("Pulumi.yaml")) as Project;

/** Key paths of all values below a schema; `<name>` stands for names that the owner chooses. */
function keyPaths(schema: z.ZodType): string[] {
  const inner = unwrap(schema);
  const below = (key: string, child: unknown) => keyPaths(child as z.ZodType).map((rest) => join(key, rest));
  if (inner instanceof z.ZodUnion) {
    return (inner.options as z.ZodType[]).flatMap(keyPaths);
  }
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, child]) => below(key, child));
  }
  if (inner instanceof z.ZodRecord) {
    return below("<name>", inner.valueType);
  }
  return inner instanceof z.ZodArray ? below("[]", inner.element) : [""];
}

function join(key: string, rest: string): string {
  return rest === "" || rest.startsWith("[") ? `${key}${rest}` : `${key}.${rest}`;
}

describe("Pulumi.yaml", () => {
  it("declares the sections of the schema, in its order", () => {
    expect(Object.keys(project.config)).to.deep.equal(configKeys);
  });

  for (const key of configKeys) {
    it(`describes every key of ${key}, and no other`, () => {
      const paths = [...new Set(keyPaths(homelabSchema.shape[key]))].sort();
      const documented = describedKeys(key).map(({ path }) => path);
      expect(documented.sort()).to.deep.equal(paths);
    });

    it(`gives ${key} the type of its schema`, () => {
      const list = unwrap(homelabSchema.shape[key]) instanceof z.ZodArray;
      expect(project.config[key].type).to.equal(list ? "array" : "object");
    });
  }

  it("names the bridge and the provider that the checked-in SDK of B2 was made with", () => {
    const sdk = JSON.parse(read("sdks/b2/package.json")) as {
      pulumi: { name: string; version: string; parameterization: { version: string } };
    };
    expect(project.packages.b2).to.deep.equal({
      source: sdk.pulumi.name,
      version: sdk.pulumi.version,
      parameters: ["backblaze/b2", sdk.pulumi.parameterization.version],
    });
  });

  it("runs the program that npm knows, by a tsconfig that only strips types", () => {
    const manifest = JSON.parse(read("package.json")) as { name: string; main: string };
    expect([project.name, manifest.main, project.main]).to.deep.equal([manifest.name, "index.ts", undefined]);
    const tsconfig = JSON.parse(read(String(project.runtime.options.tsconfig))) as {
      extends: string;
      compilerOptions: Record<string, unknown>;
    };
    expect(tsconfig).to.deep.equal({ extends: "./tsconfig.json", compilerOptions: { noCheck: true } });
  });
});
