import * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import type { Homelab } from "../../../config/homelab";
import { runbookUrl } from "../alerts/alert";
import { alertGroups } from "../alerts/rules";
import { DATASOURCE } from "./kinds";
import type { PanelSource } from "./panel";

/** Columns of Grafana's grid. */
const GRID_WIDTH = 24;

/** Highest schema version that Grafana 12.1.1 of the chart knows (@grafana/schema 12.1.1); the SDK's is a later one. */
const SCHEMA_VERSION = 41;

/**
 * Fields that the SDK writes by itself and that this Grafana does not have. `placement` would also hide the links in a
 * menu, in those that do.
 */
const NEWER = { link: ["placement"], variable: ["auto", "auto_min", "auto_count"] } as const;

function without<T extends object>(value: T, keys: readonly string[]): T {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key))) as T;
}

function link(builder: sdk.DashboardLinkBuilder): sdk.DashboardLink {
  return without(builder.build(), NEWER.link);
}

/** Every board of the house carries it, and finds the others by it. */
export const BOARD_TAG = "homelab";

/** Panels below a heading. */
export interface Section {
  title: string;
  panels: readonly PanelSource[];
}

/** A board, as a person thinks of it. */
export interface Board {
  /** Stable: bookmarks and Grafana's own database know a board by it. */
  uid: string;
  title: string;
  description: string;
  /** Start of the time range, e.g. `now-24h`. */
  from: string;
  sections: readonly Section[];
  variables?: readonly sdk.QueryVariableBuilder[];
}

/** Addresses of the alerts' parts of their runbooks, by the alert's name. */
function runbooks(homelab: Homelab): ReadonlyMap<string, string> {
  return new Map(
    alertGroups(homelab).flatMap(({ topic, alerts }) =>
      alerts.map(({ name }) => [name, runbookUrl(homelab, topic, name)] as const),
    ),
  );
}

function runbookLink(pages: ReadonlyMap<string, string>, alert: string): sdk.DashboardLink {
  const url = pages.get(alert);
  if (url === undefined) {
    throw new Error(`a dashboard links to the runbook of ${alert}, which is no alert of this house`);
  }
  return link(
    new sdk.DashboardLinkBuilder(`Runbook: ${alert}`).type(sdk.DashboardLinkType.Link).url(url).targetBlank(true),
  );
}

/** Gives every panel an id and a place: from left to right, in a new line where the width ends. */
function place(homelab: Homelab, sections: readonly Section[]): (sdk.Panel | sdk.RowPanel)[] {
  const pages = runbooks(homelab);
  const placed: (sdk.Panel | sdk.RowPanel)[] = [];
  let y = 0;
  for (const { title, panels } of sections) {
    const row = new sdk.RowBuilder(title).id(placed.length + 1).build();
    row.gridPos = { x: 0, y, w: GRID_WIDTH, h: 1 };
    placed.push(row);
    y += 1;
    let x = 0;
    let lineHeight = 0;
    for (const { panel: source, alert } of panels) {
      const panel = source.build();
      const { w, h } = panel.gridPos ?? { w: GRID_WIDTH, h: 1 };
      if (x + w > GRID_WIDTH) {
        y += lineHeight;
        [x, lineHeight] = [0, 0];
      }
      panel.id = placed.length + 1;
      panel.gridPos = { x, y, w, h };
      if (alert !== undefined) {
        panel.links = [runbookLink(pages, alert)];
      }
      placed.push(panel);
      x += w;
      lineHeight = Math.max(lineHeight, h);
    }
    y += lineHeight;
  }
  return placed;
}

function links({ hosts }: Homelab): sdk.DashboardLink[] {
  const external = (title: string, url: string) =>
    new sdk.DashboardLinkBuilder(title).type(sdk.DashboardLinkType.Link).url(url).targetBlank(true);
  return [
    new sdk.DashboardLinkBuilder("Homelab").type(sdk.DashboardLinkType.Dashboards).tags([BOARD_TAG]).keepTime(true),
    external("Alerts", `https://${hosts.alertmanager}`),
    external("Rules", `https://${hosts.prometheus}/alerts`),
  ].map(link);
}

/** The board as Grafana reads it. */
export function dashboardOf(homelab: Homelab, board: Board): sdk.Dashboard {
  const chooser = new sdk.DatasourceVariableBuilder(DATASOURCE).label("Prometheus").type("prometheus");
  const dashboard = new sdk.DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([BOARD_TAG])
    .timezone("browser")
    .readonly()
    .tooltip(sdk.DashboardCursorSync.Crosshair)
    .time({ from: board.from, to: "now" })
    .refresh("1m")
    .build();
  const variables = [chooser, ...(board.variables ?? [])].map((variable) => without(variable.build(), NEWER.variable));
  return {
    ...dashboard,
    schemaVersion: SCHEMA_VERSION,
    links: links(homelab),
    templating: { list: variables },
    panels: place(homelab, board.sections),
  };
}
