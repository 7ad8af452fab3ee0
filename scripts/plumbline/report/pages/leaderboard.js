(() => {
  const $ = (id) => document.getElementById(id);
  const DATA = JSON.parse($("data").textContent);
  const KEYS = ["dataset", "model", "task", "set", "positives"];
  const TITLES = ["dataset", "net", "task", "images", "suspicious"];
  const SCORE = KEYS.length, COST = SCORE + 1, COUNT = SCORE + 2, NETS = SCORE + 3, FOUND = SCORE + 4;
  const FIRST = SCORE + 5; // positions in a row
  const PART = 400; // rows drawn at once
  const ALL = ""; // no restriction
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");

  // Columns: sort key, displayed text, and direction of the first sort.
  const column = (id, title, key, show, descending = false) => ({id, title, key, show, descending});
  const named = (place, names) => (row) => names[row[place]][1];
  const score = named(SCORE, DATA.scores);
  const figure = (place) => (row) => {
    const [value, low, high] = row.slice(place, place + 3);
    if (value === null) return "–";
    return number(value, 3) + (low === null ? "" : ` [${number(low, 3)}, ${number(high, 3)}]`);
  };
  const COLUMNS = [
    column("score", "score", score, score),
    ...KEYS.map((key, place) => {
      const name = named(place, DATA.names[key]);
      return column(key, TITLES[place], (row) => row[place], name);
    }),
    ...DATA.metrics.map(([id, title, high], at) => {
      const place = FIRST + 3 * at;
      return column(id, title, (row) => row[place], figure(place), high);
    }),
    column("evaluations", "evaluations", (row) => row[COST], (row) => row[COST] ?? "–"),
    column("n", "n", (row) => row[COUNT], (row) => `${row[FOUND]} of ${row[COUNT]}`, true),
    column("nets", "nets", (row) => row[NETS], (row) => row[NETS], true),
  ];
  const byId = Object.fromEntries(COLUMNS.map((each) => [each.id, each]));
  const several = DATA.rows.some((row) => row[NETS] > 1);
  const GAIN = FIRST + 3 * DATA.metrics.findIndex(([id]) => id === "auroc_gain");
  const CHOICES = [...KEYS, "metric", "text"];

  const first = (key) => DATA.names[key][0][0];
  const START = {
    dataset: first("dataset"), model: first("model"), task: first("task"), set: ALL,
    positives: ALL, metric: ALL, text: ALL, sort: "auroc", direction: "descending",
  };
  const state = {...START, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1)))};
  if (!byId[state.sort]) state.sort = START.sort;
  let limit = PART;

  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, each] of Object.entries(attributes)) element.setAttribute(name, each);
    return element;
  };
  const options = {metric: DATA.metrics, ...DATA.names};
  for (const [key, names] of Object.entries(options)) {
    $(key).append(make("option", "any", {value: ALL}));
    for (const [value, title] of names) $(key).append(make("option", title, {value}));
    if (!names.some(([value]) => value === state[key])) state[key] = ALL;
  }

  const found = () => {
    const wanted = KEYS.map((key) => DATA.names[key].findIndex(([value]) => value === state[key]));
    const text = state.text.trim().toLowerCase();
    const says = (row) => DATA.scores[row[SCORE]].some((name) => name.toLowerCase().includes(text));
    return DATA.rows.filter((row) =>
      KEYS.every((key, place) => state[key] === ALL || row[place] === wanted[place]) && says(row));
  };
  const sorted = (rows) => {
    const {key} = byId[state.sort], way = state.direction === "descending" ? -1 : 1;
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    const value = (row) => key(row) ?? null;
    return rows.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === null || b === null) return (a === null) - (b === null); // unknown values last
      return way * compare(a, b) || score(one).localeCompare(score(other));
    });
  };
  const shown = () => {
    const metrics = DATA.metrics.map(([id]) => id);
    return COLUMNS.filter(({id}) => { // a column that a filter makes constant is hidden
      if (KEYS.includes(id)) return state[id] === ALL;
      if (id === "nets") return several;
      return !metrics.includes(id) || [ALL, id].includes(state.metric);
    });
  };

  const cell = (each, row) => {
    const element = make(each.id === "score" ? "th" : "td", each.show(row));
    if (each.id === "score") element.scope = "row";
    if (each.id === "auroc_gain") {
      const way = row[GAIN + 1] > 0 ? "up" : row[GAIN + 2] !== null && row[GAIN + 2] < 0 ? "down" : "";
      if (way) {
        const title = `${way === "up" ? "better" : "worse"} than the control`;
        const how = {class: way, title, role: "img", "aria-label": title};
        element.append(" ", make("span", way === "up" ? "▲" : "▼", how));
      }
    }
    return element;
  };
  const draw = () => {
    if (!shown().includes(byId[state.sort])) {
      const sort = state.metric || START.sort;
      Object.assign(state, {sort, direction: byId[sort].descending ? "descending" : "ascending"});
    }
    const columns = shown(), rows = sorted(found());
    const focused = document.activeElement.dataset?.sort;
    $("board").tHead.rows[0].replaceChildren(...columns.map((each) => {
      const head = make("th", "", {scope: "col"});
      if (each.id === state.sort) head.setAttribute("aria-sort", state.direction);
      head.append(make("button", each.title, {type: "button", "data-sort": each.id}));
      return head;
    }));
    if (focused) document.querySelector(`[data-sort="${focused}"]`)?.focus();
    $("board").tBodies[0].replaceChildren(...rows.slice(0, limit).map((row) => {
      const line = document.createElement("tr");
      if (row[SCORE] === DATA.control) line.className = "control";
      line.append(...columns.map((each) => cell(each, row)));
      return line;
    }));
    $("more").hidden = rows.length <= limit;
    $("more").textContent = `Show ${Math.min(PART, rows.length - limit)} more`;
    $("status").textContent = `${rows.length} of ${DATA.rows.length} rows, sorted by ${byId[state.sort].title}, ${state.direction}`;
    for (const key of CHOICES) if ($(key).value !== state[key]) $(key).value = state[key];
    const kept = Object.entries(state).filter(([key, value]) => value !== START[key]);
    history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
  };

  for (const key of CHOICES) {
    $(key).addEventListener("input", () => {
      state[key] = $(key).value;
      limit = PART;
      draw();
    });
  }
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("reset").addEventListener("click", () => {
    for (const key of CHOICES) state[key] = ALL;
    limit = PART;
    draw();
  });
  $("more").addEventListener("click", () => {
    limit += PART;
    draw();
  });
  $("board").tHead.addEventListener("click", (event) => {
    const id = event.target.dataset.sort;
    if (!id) return;
    const falling = id === state.sort ? state.direction === "ascending" : byId[id].descending;
    Object.assign(state, {sort: id, direction: falling ? "descending" : "ascending"});
    draw();
  });
  draw();
})();
