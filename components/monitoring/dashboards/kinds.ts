import { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimeline } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import type { Colour, PanelSource, PanelSpec, Query, Thresholds } from "./panel";

/** Name of the variable by which every panel chooses its Prometheus. */
export const DATASOURCE = "datasource";
export const datasource: common.DataSourceRef = { type: "prometheus", uid: `\${${DATASOURCE}}` };

/** What the SDK's builders of panels have in common. */
interface Common {
  title(title: string): this;
  description(description: string): this;
  datasource(ref: common.DataSourceRef): this;
  targets(targets: Builder<prometheus.Dataquery>[]): this;
  unit(unit: string): this;
  span(width: number): this;
  height(height: number): this;
  noValue(text: string): this;
  min(min: number): this;
  max(max: number): this;
  decimals(decimals: number): this;
  thresholds(thresholds: Builder<sdk.ThresholdsConfig>): this;
}

function thresholds([base, ...steps]: Thresholds): Builder<sdk.ThresholdsConfig> {
  // JSON has no minus infinity: Grafana writes null.
  const first: sdk.Threshold = { value: null, color: base };
  return new sdk.ThresholdsConfigBuilder()
    .mode(sdk.ThresholdsMode.Absolute)
    .steps([first, ...steps.map(([value, color]) => ({ value, color }))]);
}

type Target = (query: prometheus.DataqueryBuilder) => prometheus.DataqueryBuilder;

function targets(queries: readonly Query[], kind: Target): prometheus.DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) => {
    const query = new prometheus.DataqueryBuilder().datasource(datasource).refId(String.fromCharCode(65 + index));
    return kind(legend === undefined ? query.expr(expr) : query.expr(expr).legendFormat(legend));
  });
}

/** The panel with what every kind says of itself. */
function described<P extends Common>(panel: P, spec: PanelSpec, kind: Target): P {
  panel
    .title(spec.title)
    .description(spec.description)
    .datasource(datasource)
    .targets(targets(spec.queries, kind))
    .unit(spec.unit)
    .span(spec.width)
    .height(spec.height)
    .noValue(spec.noValue ?? "no data")
    .thresholds(thresholds(spec.thresholds ?? ["text"]));
  if (spec.min !== undefined) {
    panel.min(spec.min);
  }
  if (spec.max !== undefined) {
    panel.max(spec.max);
  }
  if (spec.decimals !== undefined) {
    panel.decimals(spec.decimals);
  }
  return panel;
}

const now: Target = (query) => query.instant();
const overTime: Target = (query) => query.range();
const rows: Target = (query) => query.instant().format(prometheus.PromQueryFormat.Table);

function source(spec: PanelSpec, panel: Builder<sdk.Panel>): PanelSource {
  return spec.alert === undefined ? { panel } : { panel, alert: spec.alert };
}

const legend = () =>
  new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .calcs([]);

const last = () => new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);

/** One number, its colour the answer. */
export function stat(spec: PanelSpec): PanelSource {
  const panel = described(new Stat(), spec, now)
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.Background)
    .reduceOptions(last());
  return source(spec, panel);
}

/** One bar for each series of the moment. */
export function bars(spec: PanelSpec): PanelSource {
  const panel = described(new BarGauge(), spec, now)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .orientation(common.VizOrientation.Horizontal)
    .valueMode(common.BarGaugeValueMode.Color)
    .showUnfilled(true)
    .reduceOptions(last());
  return source(spec, panel);
}

/** Lines over time. Thresholds are drawn as lines. */
export function lines(spec: PanelSpec & { stacked?: boolean }): PanelSource {
  const panel = described(new TimeSeries(), spec, overTime)
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 30 : 0)
    .showPoints(common.VisibilityMode.Never)
    .legend(legend())
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    );
  if (spec.stacked) {
    panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));
  }
  if (spec.thresholds) {
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Line));
  }
  return source(spec, panel);
}

/** What a number means. */
export type States = Readonly<Record<number, { text: string; colour: Colour }>>;

/** 1 and 0 of a condition that should hold. */
export const okStates: States = { 1: { text: "ok", colour: "green" }, 0: { text: "not ok", colour: "red" } };

function mapping(states: States): sdk.ValueMapping[] {
  const options = Object.entries(states).map(([value, { text, colour }], index) => [
    value,
    { text, color: colour, index },
  ]);
  return [{ type: sdk.MappingType.ValueToText, options: Object.fromEntries(options) as sdk.ValueMap["options"] }];
}

/** One strip for each series, coloured by its state. */
export function timeline(spec: PanelSpec & { states: States }): PanelSource {
  const panel = described(new StateTimeline(), spec, overTime)
    .mappings(mapping(spec.states))
    .showValue(common.VisibilityMode.Never)
    .rowHeight(0.85)
    .mergeValues(true)
    .fillOpacity(80)
    .legend(legend());
  return source(spec, panel);
}

/** A column of a table. */
export interface Column {
  /** Label of the series, or `Value #A` for the value of the first query of several, `Value` for that of the only one. */
  field: string;
  title: string;
  /** Default: the panel's. */
  unit?: string;
  thresholds?: Thresholds;
  states?: States;
}

function override({ title, unit, thresholds: steps, states }: Column): sdk.DynamicConfigValue[] {
  return [
    { id: "displayName", value: title },
    ...(unit === undefined ? [] : [{ id: "unit", value: unit }]),
    ...(states === undefined ? [] : [{ id: "mappings", value: mapping(states) }]),
    ...(steps === undefined ? [] : [{ id: "thresholds", value: thresholds(steps).build() }]),
    ...(steps === undefined && states === undefined
      ? []
      : [{ id: "custom.cellOptions", value: { type: common.TableCellDisplayMode.ColorText } }]),
  ];
}

/** A table of the moment: the given columns in their order and no others. Several queries meet by their labels. */
export function table(spec: PanelSpec & { columns: readonly Column[] }): PanelSource {
  const { columns } = spec;
  const order = Object.fromEntries(columns.map(({ field }, index) => [field, index]));
  const panel = described(new Table(), spec, rows)
    .showHeader(true)
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({
      id: "filterFieldsByName",
      options: { include: { names: columns.map(({ field }) => field) } },
    })
    .withTransformation({ id: "organize", options: { indexByName: order } });
  for (const column of columns) {
    panel.overrideByName(column.field, override(column));
  }
  return source(spec, panel);
}
