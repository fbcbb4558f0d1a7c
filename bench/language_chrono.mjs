// Reads the lines of bench.language with chrono: JSON on standard input, JSON on standard output.
import fs from 'node:fs';

const begun = performance.now();
const chrono = await import('chrono-node');
const imported = (performance.now() - begun) / 1000;
const pad = (number) => String(number).padStart(2, '0');
const lines = JSON.parse(fs.readFileSync(0, 'utf8'));
const started = performance.now();
const found = lines.map(({ text, now, language }) => {
  const results = (chrono[language] ?? chrono).parse(text, new Date(now), { forwardDate: true });
  const [first] = results.length ? results : chrono.parse(text, new Date(now), { forwardDate: true });
  if (!first) return {};
  const day = first.start.date();
  const timed = first.start.isCertain('hour');
  return {
    due_date: `${day.getFullYear()}-${pad(day.getMonth() + 1)}-${pad(day.getDate())}`,
    due_time: timed ? `${pad(day.getHours())}:${pad(day.getMinutes())}` : null,
  };
});
console.log(JSON.stringify({ import: imported, seconds: (performance.now() - started) / 1000, lines: found }));
