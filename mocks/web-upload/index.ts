export { type AxisOptions, startAxis } from "./axis.ts";
export { startElegantOta } from "./elegant-ota.ts";
export { type EsphomeOptions, startEsphome } from "./esphome.ts";
export { startMongooseOs } from "./mongoose-os.ts";
export { startTasmota, type TasmotaOptions } from "./tasmota.ts";
