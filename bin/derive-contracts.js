#!/usr/bin/env node
// Derives what the contract tests compare the program with, from folders of published charts:
//
//   node bin/derive-contracts.js [FOLDER...]        default: ../shared/charts
//
// Each FOLDER holds one folder per chart and version, <chart>-<version>/, with values.yaml, subcharts/*.values.yaml,
// crds*/*.yaml or values.schema.json, whichever there is. Written below test/contracts, one file per chart version:
//
//   values/<chart>-<version>.json           the tree of values.yaml; leaves are the names of their types
//   schemas/<chart>-<version>.json          the chart's own schema, where it refuses unknown keys
//   crds/<chart>-<version>/<group>_<plural>.json   schemas of each version, without prose and without status
//
// Charts that are given replace their files; others stay. Only facts are kept: keys, types, limits. No text.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { parseAllDocuments, parse } = require("yaml");

const root = path.join(__dirname, "..");
const target = path.join(root, "test", "contracts");
const folders = process.argv.length > 2 ? process.argv.slice(2) : [path.join(root, "..", "shared", "charts")];

/** Keywords that say something about a value. The rest is prose, or rules in CEL that only an API server evaluates. */
const KEPT = new Set(
  [
    "type properties required items additionalProperties enum pattern format nullable minimum maximum minLength",
    "maxLength minItems maxItems minProperties maxProperties oneOf anyOf allOf not multipleOf exclusiveMinimum",
    "exclusiveMaximum x-kubernetes-int-or-string x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource",
  ]
    .join(" ")
    .split(" "),
);

function compactSchema(schema) {
  if (Array.isArray(schema)) {
    return schema.map(compactSchema);
  }
  if (typeof schema !== "object" || schema === null) {
    return schema;
  }
  const kept = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!KEPT.has(key)) {
      continue;
    }
    if (key === "properties") {
      kept[key] = Object.fromEntries(Object.entries(value).map(([name, child]) => [name, compactSchema(child)]));
    } else if (key === "enum" || key === "required") {
      kept[key] = value;
    } else {
      kept[key] = compactSchema(value);
    }
  }
  return kept;
}

/** `{}` becomes "map" and may take any key; a list of objects keeps the tree of its elements in a one-element list. */
function keyTree(value) {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    const elements = value.filter((item) => typeof item === "object" && item !== null && !Array.isArray(item));
    return elements.length > 0 ? [elements.map(keyTree).reduce(merge)] : "list";
  }
  if (typeof value === "object") {
    const entries = Object.entries(value);
    return entries.length === 0 ? "map" : Object.fromEntries(entries.map(([key, child]) => [key, keyTree(child)]));
  }
  return typeof value;
}

function isTree(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The parent's word about a key goes before its subchart's, as in Helm. */
function merge(below, above) {
  if (!isTree(below) || !isTree(above)) {
    return isTree(below) && above === "map" ? below : above;
  }
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    merged[key] = key in below ? merge(below[key], value) : value;
  }
  return merged;
}

function write(file, data) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(data)}\n`);
}

function yamlFiles(folder) {
  return fs.existsSync(folder)
    ? fs
        .readdirSync(folder)
        .filter((name) => /\.ya?ml$/.test(name))
        .sort()
        .map((name) => path.join(folder, name))
    : [];
}

function deriveCrds(folder, name) {
  const files = fs
    .readdirSync(folder)
    .filter((entry) => entry.startsWith("crds"))
    .flatMap((entry) => yamlFiles(path.join(folder, entry)));
  const crds = files
    .flatMap((file) => parseAllDocuments(fs.readFileSync(file, "utf8")).map((document) => document.toJS()))
    .filter((object) => object?.kind === "CustomResourceDefinition");
  if (crds.length === 0) {
    return 0;
  }
  const output = path.join(target, "crds", name);
  fs.rmSync(output, { recursive: true, force: true });
  for (const { spec } of crds) {
    const versions = Object.fromEntries(
      spec.versions.map((version) => {
        const schema = compactSchema(version.schema?.openAPIV3Schema ?? { type: "object" });
        delete schema.properties?.status;
        schema.required = schema.required?.filter((key) => key !== "status");
        return [version.name, { served: version.served, schema }];
      }),
    );
    const { kind, plural } = spec.names;
    write(path.join(output, `${spec.group}_${plural}.json`), {
      group: spec.group,
      plural,
      kind,
      scope: spec.scope,
      versions,
    });
  }
  return crds.length;
}

function deriveValues(folder, name) {
  const file = path.join(folder, "values.yaml");
  if (!fs.existsSync(file)) {
    return false;
  }
  const own = keyTree(parse(fs.readFileSync(file, "utf8")) ?? {});
  const subcharts = Object.fromEntries(
    (fs.existsSync(path.join(folder, "subcharts")) ? fs.readdirSync(path.join(folder, "subcharts")) : [])
      .filter((entry) => entry.endsWith(".values.yaml"))
      .sort()
      .map((entry) => [
        entry.replace(/-[0-9.]+\.values\.yaml$/, ""),
        keyTree(parse(fs.readFileSync(path.join(folder, "subcharts", entry), "utf8")) ?? {}),
      ]),
  );
  write(path.join(target, "values", `${name}.json`), merge(subcharts, own));
  return true;
}

function deriveSchema(folder, name) {
  const file = path.join(folder, "values.schema.json");
  if (!fs.existsSync(file)) {
    return false;
  }
  const text = fs.readFileSync(file, "utf8");
  if (!text.includes('"additionalProperties": false')) {
    return false; // names types only; the key tree says more
  }
  const withoutProse = JSON.parse(text, (key, value) =>
    ["description", "title", "default"].includes(key) && !isTree(value) ? undefined : value,
  );
  write(path.join(target, "schemas", `${name}.json`), withoutProse);
  return true;
}

for (const charts of folders) {
  for (const name of fs.readdirSync(charts).sort()) {
    const folder = path.join(charts, name);
    if (!fs.statSync(folder).isDirectory()) {
      continue;
    }
    const values = deriveValues(folder, name) ? "values" : "no values";
    const schema = deriveSchema(folder, name) ? ", schema" : "";
    console.log(`${name}: ${values}${schema}, ${deriveCrds(folder, name)} CRDs`);
  }
}
