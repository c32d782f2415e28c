export { axis } from "./axis.ts";
export { elegantOta } from "./elegant-ota.ts";
export { esphome } from "./esphome.ts";
export type { UploadProfile } from "./family.ts";
export { mongooseOs } from "./mongoose-os.ts";
export type { UploadSettings } from "./settings.ts";
export { tasmota } from "./tasmota.ts";
export { webUpload } from "./web-upload.ts";
