import { instance } from "@viz-js/viz";
import { clock } from "./durations";
import type { Component, Graph } from "./graph";

/** Colour of a component by the area in its type, `homelab:<area>:<Name>`; every area is told apart by its frame too. */
const colours: Readonly<Record<string, string>> = {
  nodes: "#dbe9f6",
  network: "#e2f0d9",
  certificates: "#e2f0d9",
  storage: "#fdebd0",
  gpu: "#f9e0e6",
  monitoring: "#ece4f4",
  identity: "#fff4c2",
  backup: "#dff3f1",
};

/** The rebuild as a picture: one box a component, an arrow from what is waited for; the critical path in bold red. */
export async function pictureOf(graph: Graph): Promise<string> {
  const viz = await instance();
  const shown = graph.components.filter(({ steps }) => steps.length > 0);
  const critical = new Set(graph.criticalPath.map(({ component }) => component));
  const id = (urn: string) => `c${graph.components.findIndex((component) => component.urn === urn)}`;
  const edges = shown.flatMap((component) =>
    component.waitsFor.map((urn) => {
      const bold = critical.has(urn) && critical.has(component.urn);
      return `${id(urn)} -> ${id(component.urn)}${bold ? ' [color="#c0392b", penwidth=2.5]' : ""};`;
    }),
  );
  const source = [
    "digraph rebuild {",
    '  graph [rankdir=LR, fontname="Helvetica", nodesep=0.25, ranksep=0.6, label="The rebuild: an arrow leads from what is waited for; red is the critical path", labelloc=t, fontsize=18];',
    '  node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=12, margin="0.25,0.08", color="#7f8c8d"];',
    '  edge [color="#95a5a6", arrowsize=0.7];',
    ...shown.map((component) => `  ${id(component.urn)} [${attributes(component, critical.has(component.urn))}];`),
    ...edges.map((edge) => `  ${edge}`),
    "}",
  ].join("\n");
  return viz.renderString(source, { format: "svg", engine: "dot" });
}

function attributes(component: Component, critical: boolean): string {
  const area = component.type.split(":")[1];
  const count = component.steps.length === 1 ? "1 resource" : `${component.steps.length} resources`;
  const label = `${component.name}\\n${count}, ${clock(component.start)} to ${clock(component.end)}`;
  return [
    `label="${label}"`,
    `fillcolor="${colours[area] ?? "#ecf0f1"}"`,
    ...(critical ? ['color="#c0392b"', "penwidth=2.5"] : []),
  ].join(", ");
}
