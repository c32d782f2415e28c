/** What a device may ask for at most, in milliseconds: ten minutes. */
export const maxRetryAfter = 600_000;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?";
const time = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";
const month = `(?<month>${months.join("|")})`;

/** RFC 9110 §5.6.7: a recipient must accept all three. `Date.parse` would read the last one as local time, and much else besides. */
const httpDates = [
  new RegExp(`^${day}, (?<date>\\d\\d) ${month} (?<year>\\d{4}) ${time} GMT$`), // IMF-fixdate
  new RegExp(`^${day}, (?<date>\\d\\d)-${month}-(?<year>\\d\\d) ${time} GMT$`), // rfc850-date
  new RegExp(`^${day} ${month} (?<date>[ \\d]\\d) ${time} (?<year>\\d{4})$`), // asctime-date
];

/** Epoch milliseconds of an HTTP-date. `now` settles the century of the two-digit form. */
export function parseHttpDate(text: string, now: number): number | undefined {
  for (const form of httpDates) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const number = (name: string) => Number(parts[name]);
    const at = (year: number) =>
      Date.UTC(
        year,
        months.indexOf(parts["month"] ?? ""),
        number("date"),
        number("hour"),
        number("minute"),
        number("second"),
      );
    const year = number("year");
    if (parts["year"]?.length === 4) return at(year);
    // "more than 50 years in the future" means the most recent year in the past with the same last two digits
    const thisYear = new Date(now).getUTCFullYear();
    const candidate = thisYear - (thisYear % 100) + year;
    return at(candidate > thisYear + 50 ? candidate - 100 : candidate);
  }
  return undefined;
}

/**
 * Milliseconds to wait according to `Retry-After` (RFC 9110 §10.2.3), clamped to [0, 10 min]; nothing when the field
 * is absent or is neither a number of seconds nor a date.
 *
 * @param now epoch milliseconds, for the date form
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim();
  if (text === undefined) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : (parseHttpDate(text, now) ?? Number.NaN) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), maxRetryAfter);
}
