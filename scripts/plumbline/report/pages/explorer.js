(async () => {
  const $ = (id) => document.getElementById(id);
  const DATA = JSON.parse($("data").textContent);
  const CHOICES = ["corpus", "net", "estimator", "measure", "grid"];
  const LAYERS = ["test", "other", "holes"];
  const GRIDS = {linear: "linear", quantile: "prior quantiles"};
  const [CHANNELS, HEIGHT, WIDTH] = DATA.shape;
  const LEAP = 5; // cells, with Shift

  const loaded = {};
  const load = (name) => {
    const {pack} = DATA.corpora.find((each) => each.name === name);
    return (loaded[name] ??= unpack(pack));
  };
  const gallery = await unpack(DATA.gallery);

  const draw = (canvas, levels, label) => { // levels 0..255, [C, H, W]
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const image = new ImageData(WIDTH, HEIGHT);
    const plane = WIDTH * HEIGHT;
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        image.data[4 * pixel + channel] = levels[Math.min(channel, CHANNELS - 1) * plane + pixel];
      }
      image.data[4 * pixel + 3] = 255;
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", label);
  };

  // Positions: a value on an axis as a fractional cell number, and the nearest cell.
  const position = (axis, value) => {
    let cell = 0;
    while (cell < axis.length - 2 && axis[cell + 1] <= value) cell++;
    return cell + (value - axis[cell]) / (axis[cell + 1] - axis[cell]);
  };
  const nearest = (axis, value) => {
    let best = 0;
    axis.forEach((each, cell) => {
      if (Math.abs(each - value) < Math.abs(axis[best] - value)) best = cell;
    });
    return best;
  };
  const ends = (axis) => {
    const last = axis.length - 1;
    return [(3 * axis[0] - axis[1]) / 2, (3 * axis[last] - axis[last - 1]) / 2];
  };

  // What is shown: choices and the selected point; `hovered` is shown only temporarily.
  const state = {test: true, other: true, holes: false};
  let arrays, axis, hovered = null;
  const key = (estimator, what) => `${state.net}.${state.grid}.${estimator}.${what}`;
  const value = (estimator, measure, cell) => {
    const steps = arrays[key(estimator, measure)];
    return steps && steps[cell] * DATA.measures[measure].step;
  };
  const region = (estimator, {x, y}) => { // 0: no hole; undefined: not computed
    const found = arrays[`${state.net}.${estimator}.${state.measure}.region`];
    const linear = arrays["linear.axis"];
    const [low, high] = ends(linear);
    if (!found || Math.min(x, y) < low || Math.max(x, y) > high) return undefined;
    return found[nearest(linear, y) * linear.length + nearest(linear, x)];
  };
  const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, each] of Object.entries(attributes)) element.setAttribute(name, each);
    return element;
  };

  const shade = (share) => Math.round(250 - 240 * share); // darker is more
  const darkness = (share) => (DATA.measures[state.measure].certain ? 1 - share : share);
  const drawCells = () => {
    const size = axis.length, canvas = $("cells"), image = new ImageData(size, size);
    const {low, high} = DATA.measures[state.measure];
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const found = value(state.estimator, state.measure, row * size + column);
        const at = 4 * ((size - 1 - row) * size + column); // rows of the map go up
        image.data.fill(shade(darkness((found - low) / (high - low || 1))), at, at + 3);
        image.data[at + 3] = 255;
      }
    }
    canvas.width = canvas.height = size;
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  const drawMarks = () => {
    const canvas = $("marks"), scale = devicePixelRatio, side = $("map").clientWidth;
    canvas.width = canvas.height = Math.round(side * scale);
    const brush = canvas.getContext("2d");
    brush.scale(scale, scale);
    const cell = side / axis.length;
    let outside = 0, all = 0;
    const each = (codes, mark) => {
      for (let at = 0; at < codes.length; at += 2) {
        const across = (position(axis, codes[at]) + 0.5) * cell;
        const up = side - (position(axis, codes[at + 1]) + 0.5) * cell;
        all++;
        if (Math.min(across, up) < 0 || Math.max(across, up) > side) outside++;
        else mark(across, up, at / 2);
      }
    };
    if (state.holes) outline(brush, cell, side);
    if (state.test) {
      each(arrays.test, (across, up, which) => {
        brush.beginPath();
        brush.arc(across, up, 2.6, 0, 2 * Math.PI);
        brush.fillStyle = DATA.colors[arrays.test_labels[which] % DATA.colors.length];
        brush.strokeStyle = "#fff";
        brush.lineWidth = 0.5;
        brush.fill();
        brush.stroke();
      });
    }
    if (state.other) {
      each(arrays.other, (across, up) => {
        for (const [color, width] of [["#fff", 3.5], ["#000", 1.5]]) {
          brush.beginPath();
          for (const slope of [-1, 1]) {
            brush.moveTo(across - 3, up - 3 * slope);
            brush.lineTo(across + 3, up + 3 * slope);
          }
          brush.strokeStyle = color;
          brush.lineWidth = width;
          brush.stroke();
        }
      });
    }
    $("outside").textContent = outside
      ? `${outside} of the ${all} encoded images lie outside this map.` : "";
  };
  const outline = (brush, cell, side) => {
    const hole = (row, column) => // its number
      (row in axis && column in axis && region(state.estimator, {x: axis[column], y: axis[row]})) || 0;
    brush.beginPath();
    for (let row = 0; row <= axis.length; row++) {
      for (let column = 0; column <= axis.length; column++) {
        const inside = hole(row, column), left = column * cell, bottom = side - row * cell;
        if (inside !== hole(row, column - 1)) {
          brush.moveTo(left, bottom);
          brush.lineTo(left, bottom - cell);
        }
        if (inside !== hole(row - 1, column)) {
          brush.moveTo(left, bottom);
          brush.lineTo(left + cell, bottom);
        }
      }
    }
    for (const [color, width] of [["#fff", 4], ["#d55e00", 2]]) {
      brush.strokeStyle = color;
      brush.lineWidth = width;
      brush.stroke();
    }
  };

  const cellOf = ({x, y}) => ({row: nearest(axis, y), column: nearest(axis, x)});
  const verdict = (found) => (found === undefined ? "–" : found ? `region ${found}` : "no");
  const showFigures = (cell, point) => {
    const rows = Object.entries(DATA.estimators).map(([name, title]) => {
      const row = make("tr", "");
      if (name === state.estimator) row.setAttribute("aria-current", "true");
      row.append(make("th", title, {scope: "row"}));
      const classes = arrays[key(name, "prediction")];
      if (!classes) {
        row.append(make("td", "does not apply to this net", {colspan: 5}));
        return row;
      }
      row.append(make("td", DATA.classes[classes[cell]]));
      for (const measure of ["max_probability", "entropy", "mutual_information"]) {
        const found = value(name, measure, cell);
        row.append(make("td", found === undefined ? "–" : number(found)));
      }
      const found = region(name, point);
      row.append(make("td", verdict(found), {class: found ? "hole" : ""}));
      return row;
    });
    $("figures").replaceChildren(...rows);
  };
  const showNearest = ({x, y}) => {
    const {train} = arrays;
    const found = Array.from(gallery.labels, (label, which) => ({
      label, which, distance: Math.hypot(train[2 * which] - x, train[2 * which + 1] - y),
    }));
    found.sort((one, other) => one.distance - other.distance);
    const size = CHANNELS * HEIGHT * WIDTH;
    $("nearest").replaceChildren(...found.slice(0, DATA.nearest).map(({label, which, distance}) => {
      const figure = make("figure", ""), name = `class ${DATA.classes[label]}`;
      const canvas = make("canvas", "", {class: "picture", role: "img"});
      draw(canvas, gallery.images.subarray(which * size, (which + 1) * size), `training image, ${name}`);
      figure.append(canvas, make("figcaption", `${name}, distance ${number(distance, 2)}`));
      return figure;
    }));
  };
  const small = (value) => {
    if (!value || value >= 0.001) return value ? value.toPrecision(3) : "0";
    return value.toExponential(1).replace("-", "−");
  };
  const show = (point) => {
    const {row, column} = cellOf(point), size = axis.length, cell = row * size + column;
    const {x, y} = point, place = `(${number(x, 2)}, ${number(y, 2)})`;
    $("point-title").textContent = `The point ${place}`;
    Object.assign($("cursor").style, {
      left: `${(100 * (column + 0.5)) / size}%`, bottom: `${(100 * (row + 0.5)) / size}%`,
      width: `${100 / size}%`, height: `${100 / size}%`,
    });
    draw($("decoded"), decode(arrays, [x, y]), `decoded image of the point ${place}`);
    showFigures(cell, point);
    const exact = Math.hypot(axis[column] - x, axis[row] - y) < 1e-4; // as the address is rounded
    $("cell").textContent = exact ? ""
      : `Values of the nearest cell, with its centre at (${number(axis[column], 2)}, ${number(axis[row], 2)}).`;
    const on = arrays[`${state.grid}.on_data`][cell];
    $("place").textContent = on ? "on the data" : "off the data";
    $("distance").textContent = small(arrays[`${state.grid}.distance`][cell]);
    $("density").textContent = small(arrays[`${state.grid}.density`][cell]);
    showNearest(point);
    for (const name of ["x", "y"]) {
      if (document.activeElement !== $(name)) $(name).value = Number(point[name].toFixed(4));
    }
    return {cell, place, on};
  };

  // The selected point: shown, announced and stored in the address.
  let timer;
  const address = () => {
    const fields = CHOICES.map((name) => [name, state[name]]);
    fields.push(["x", Number(state.x.toFixed(4))], ["y", Number(state.y.toFixed(4))]);
    fields.push(["show", LAYERS.filter((name) => state[name]).join(" ")]);
    return `#${new URLSearchParams(fields)}`;
  };
  const remember = () => {
    $("link").href = address();
    clearTimeout(timer); // browsers limit the rate of address changes
    timer = setTimeout(() => history.replaceState(null, "", address()), 200);
  };
  const keep = (point) => {
    Object.assign(state, point);
    hovered = null;
    const {cell, place, on} = show(state);
    const name = DATA.classes[arrays[key(state.estimator, "prediction")][cell]];
    const figure = number(value(state.estimator, state.measure, cell));
    const hole = region(state.estimator, state) ? ", hole" : "";
    $("status").textContent = `${place}: class ${name}, ${DATA.measures[state.measure].title} `
      + `${figure}, ${on ? "on" : "off"} the data${hole}`;
    remember();
  };
  const centre = ({row, column}) => ({x: axis[column], y: axis[row]});
  const step = (across, up) => {
    const {row, column} = cellOf(state), clip = (at) => Math.max(0, Math.min(axis.length - 1, at));
    keep(centre({row: clip(row + up), column: clip(column + across)}));
  };

  // Choices.
  const fill = (name, options) => {
    $(name).replaceChildren(...Object.entries(options).map(([each, title]) => make("option", title, {value: each})));
    if (!(state[name] in options)) state[name] = Object.keys(options)[0];
    $(name).value = state[name];
  };
  const titles = (options) => Object.fromEntries(options.map(({name, title}) => [name, title]));
  const update = async () => {
    fill("corpus", titles(DATA.corpora));
    const wanted = state.corpus, found = await load(wanted);
    if (wanted !== state.corpus) return; // another was chosen in the meantime
    arrays = found;
    fill("net", Object.fromEntries(Object.entries(DATA.nets).filter(([name]) =>
      Object.keys(arrays).some((each) => each.startsWith(`${name}.`)))));
    fill("measure", Object.fromEntries(Object.entries(DATA.measures).map(([name, {title}]) => [name, title])));
    fill("grid", GRIDS);
    fill("estimator", Object.fromEntries(Object.entries(DATA.estimators).filter(([name]) =>
      key(name, state.measure) in arrays)));
    axis = arrays[`${state.grid}.axis`];
    for (const name of LAYERS) $(`show-${name}`).checked = state[name];
    const corpus = DATA.corpora.find(({name}) => name === state.corpus);
    $("other-name").textContent = `✕ ${corpus.other}`;
    $("show-other").parentElement.hidden = !arrays.other.length;
    caption();
    if (state.x === undefined) Object.assign(state, centre(cellOf({x: 0, y: 0})));
    const [low, high] = ends(axis), inside = (at) => Math.max(low, Math.min(high, at));
    for (const name of ["x", "y"]) Object.assign($(name), {min: low, max: high});
    drawCells();
    drawMarks();
    keep({x: inside(state.x), y: inside(state.y)});
  };
  const caption = () => {
    const {title, low, high, certain} = DATA.measures[state.measure];
    const estimator = DATA.estimators[state.estimator], net = DATA.nets[state.net];
    $("map-title").textContent = `${title[0].toUpperCase()}${title.slice(1)}: ${net}, ${estimator}`;
    $("net-title").textContent = `${net} under each estimator: probability of the class, entropy and mutual information (MI) in nats`;
    const [left, right] = ends(axis).map((each) => number(each, 1));
    for (const name of ["up", "across"]) {
      $(`${name}-low`).textContent = left;
      $(`${name}-high`).textContent = right;
    }
    $("bar-low").textContent = number(low);
    $("bar-high").textContent = number(high);
    const shades = [0, 1].map((share) => shade(darkness(share)));
    $("gradient").style.background = `linear-gradient(to right, ${shades.map((s) => `rgb(${s} ${s} ${s})`)})`;
    $("bar-title").textContent = `${title}${certain ? "" : " (nats)"}; dark = ${certain ? "low = " : ""}uncertain`;
  };
  const restore = () => {
    const fields = new URLSearchParams(location.hash.slice(1));
    for (const name of CHOICES) if (fields.has(name)) state[name] = fields.get(name);
    const [x, y] = ["x", "y"].map((name) => parseFloat(fields.get(name)));
    if (Number.isFinite(x) && Number.isFinite(y)) Object.assign(state, {x, y});
    if (fields.has("show")) {
      for (const name of LAYERS) state[name] = fields.get("show").split(" ").includes(name);
    }
    return update();
  };

  // Events.
  const map = $("map");
  const pointed = (event) => {
    const {left, bottom, width, height} = map.getBoundingClientRect();
    const cell = (share) => Math.max(0, Math.min(axis.length - 1, Math.floor(share * axis.length)));
    return {row: cell((bottom - event.clientY) / height), column: cell((event.clientX - left) / width)};
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    keep(centre(pointed(event)));
  });
  map.addEventListener("pointermove", (event) => {
    const cell = pointed(event);
    if (event.buttons) return keep(centre(cell)); // dragged, also by a finger
    if (hovered?.row === cell.row && hovered.column === cell.column) return;
    hovered = cell;
    show(centre(cell));
  });
  map.addEventListener("pointerleave", () => {
    if (hovered) show(state);
    hovered = null;
  });
  const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
  map.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(...arrow.map((each) => each * (event.shiftKey ? LEAP : 1)));
  });
  for (const name of ["x", "y"]) {
    $(name).addEventListener("input", () => {
      if ($(name).value !== "" && $(name).validity.valid) keep({[name]: $(name).valueAsNumber});
    });
    $(name).addEventListener("blur", () => { $(name).value = Number(state[name].toFixed(4)); });
  }
  for (const name of CHOICES) {
    $(name).addEventListener("change", () => {
      state[name] = $(name).value;
      update();
    });
  }
  for (const name of LAYERS) {
    $(`show-${name}`).addEventListener("change", () => {
      state[name] = $(`show-${name}`).checked;
      drawMarks();
      remember();
    });
  }
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", restore);
  $("classes").append(...DATA.classes.map((name, which) => {
    const item = make("li", ""), swatch = make("i", "");
    swatch.style.background = DATA.colors[which % DATA.colors.length];
    item.append(swatch, name);
    return item;
  }));
  await restore();
  new ResizeObserver(drawMarks).observe(map);
})().catch((error) => { // an old browser, or a truncated page
  document.getElementById("map-title").textContent = `The maps cannot be shown: ${error.message}`;
  throw error;
});
