import * as path from "node:path";
import Ajv, { type ValidateFunction } from "ajv";
import { createGenerator, type Schema } from "ts-json-schema-generator";
import { root } from "./home";

function schemaOf(type: string): Schema {
  return createGenerator({
    path: path.join(root, "test", "support", "grafana-types.ts"),
    tsconfig: path.join(root, "tsconfig.json"),
    type,
    skipTypeCheck: true,
  }).createSchema(type);
}

interface Validators {
  dashboard: ValidateFunction;
  panels: ValidateFunction;
}

let validators: Validators | undefined;

/** Takes two seconds once: the schemas are made from Grafana's types. Keys that Grafana does not have are mistakes. */
function compiled(): Validators {
  if (!validators) {
    const ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strict: false });
    validators = {
      dashboard: ajv.compile(schemaOf("GrafanaDashboard")),
      panels: ajv.compile(schemaOf("GrafanaPanels")),
    };
  }
  return validators;
}

function errors(validate: ValidateFunction, value: unknown): string[] {
  return validate(value)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath || "/"} ${message ?? ""} ${JSON.stringify(params)}`,
      );
}

/** What Grafana 12.1.1 would not understand of a dashboard; empty if it understands everything. */
export function dashboardErrors(dashboard: unknown): string[] {
  return errors(compiled().dashboard, dashboard);
}

/** The same of a panel's options and custom fields, which depend on its kind. */
export function panelErrors(type: string, options: unknown, custom: unknown): string[] {
  return errors(compiled().panels, { [type]: { options, ...(custom === undefined ? {} : { custom }) } });
}
