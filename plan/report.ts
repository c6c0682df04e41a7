import { clock } from "./durations";
import { compareText, type Component, type Graph } from "./graph";
import type { OwnerTask } from "./owner";

/** The plan for a terminal: the tree, the critical path, and what needs the owner. */
export function reportOf(graph: Graph, tasks: readonly OwnerTask[]): string {
  return [treeOf(graph), criticalPathText(graph), ownerText(tasks)].join("\n\n");
}

function treeOf(graph: Graph): string {
  const byUrn = new Map(graph.components.map((component) => [component.urn, component]));
  const order = new Map(
    graph.components
      .filter(({ steps }) => steps.length > 0)
      .sort((one, other) => one.start - other.start || one.end - other.end || compareText(one.name, other.name))
      .map(({ urn }, index) => [urn, index + 1]),
  );
  const lines: string[][] = [["order", "component", "resources", "from", "to", "waits for"]];
  const visit = (component: Component, depth: number) => {
    const waits = component.waitsFor.map((urn) => byUrn.get(urn)?.name ?? urn);
    lines.push([
      order.has(component.urn) ? String(order.get(component.urn)) : "",
      `${"  ".repeat(depth)}${component.name}`,
      component.steps.length > 0 ? String(component.steps.length) : "",
      component.steps.length > 0 ? clock(component.start) : "",
      component.steps.length > 0 ? clock(component.end) : "",
      waits.join(", "),
    ]);
    graph.components
      .filter(({ parent }) => parent === component.urn)
      .sort(
        (one, other) => (order.get(one.urn) ?? 0) - (order.get(other.urn) ?? 0) || compareText(one.name, other.name),
      )
      .forEach((child) => visit(child, depth + 1));
  };
  graph.components.filter(({ parent }) => parent === undefined).forEach((component) => visit(component, 0));
  return `${graph.steps.length} resources; times are rough, with enough parallelism\n\n${table(lines)}`;
}

function table(lines: readonly string[][]): string {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const right = new Set([0, 2, 3, 4]);
  return lines
    .map((line) =>
      line
        .map((cell, column) => (right.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function criticalPathText(graph: Graph): string {
  const lines = graph.criticalPath
    .filter(({ seconds }) => seconds > 0)
    .map((step) => `  ${clock(step.start).padStart(6)}  ${step.name} (about ${step.seconds} s)`);
  return [`Critical path, about ${clock(graph.seconds)} minutes:`, ...lines].join("\n");
}

function ownerText(tasks: readonly OwnerTask[]): string {
  return ["What needs you:", ...tasks.map(({ topic, text }) => `  [${topic}] ${text}`)].join("\n");
}
