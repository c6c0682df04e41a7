import { parser } from "@prometheus-io/lezer-promql";

/** Names of the metrics that an expression selects. */
export function metricNames(expr: string): string[] {
  const names = new Set<string>();
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name === "VectorSelector") {
        const name = node.node.getChild("Identifier");
        names.add(name ? expr.slice(name.from, name.to) : "");
      }
    },
  });
  return [...names];
}

/** Places at which the grammar of Prometheus 3, which the chart deploys, does not understand an expression. */
export function syntaxErrors(expr: string): string[] {
  const errors: string[] = [];
  parser.parse(expr).iterate({
    enter({ type, from, to }) {
      if (type.isError) {
        errors.push(`${from}: ${expr.slice(Math.max(0, from - 20), to + 20)}`);
      }
    },
  });
  return errors;
}
