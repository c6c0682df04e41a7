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
