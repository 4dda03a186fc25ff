// A crosshair and the values under it, by pointer or by arrow keys. The page is whole without it.
(() => {
  const values = JSON.parse(document.getElementById("timeline-values").textContent);
  const figure = document.querySelector("figure");
  const tooltip = figure.querySelector(".tooltip");
  let shown = 0;

  const digits = (number) => Number(number.toPrecision(3)).toLocaleString("en-US");
  const duration = (seconds) => seconds === null ? "–"
    : seconds >= 1 ? `${digits(seconds)} s` : `${digits(seconds * 1000)} ms`;
  const share = (ratio) => ratio === null ? "–" : `${digits(ratio * 100)}%`;
  const offset = (seconds) => {
    const whole = Math.round(Math.abs(seconds));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    const head = hours ? `${hours}:${two(minutes)}` : minutes;
    return `${seconds <= -0.5 ? "-" : "+"}${head}:${two(whole % 60)}`;
  };

  const text = (index) => {
    const second = values.first + index * values.width;
    const rates = values.bins[index].slice(0, values.outcomes.length);
    const [p50, p99, errors] = values.bins[index].slice(values.outcomes.length);
    const clock = new Date(second * 1000).toLocaleTimeString("en-GB");
    return [
      `${offset(second - values.zero)}  ${clock}`,
      ...values.outcomes.map((name, at) => `${name}  ${digits(rates[at])}/s`)
        .filter((_, at) => at === 0 || rates[at] > 0),
      `p50  ${duration(p50)}`,
      `p99  ${duration(p99)}`,
      `errors  ${share(errors)}`,
    ].join("\n");
  };

  const show = (chart, index) => {
    shown = Math.min(Math.max(index, 0), values.bins.length - 1);
    const left = Number(chart.dataset.left), right = Number(chart.dataset.right);
    const middle = values.first + (shown + 0.5) * values.width;
    const along = (middle - values.start) / (values.end - values.start);
    const x = left + Math.min(Math.max(along, 0), 1) * (right - left);
    const crosshair = chart.querySelector(".crosshair");
    crosshair.setAttribute("transform", `translate(${x.toFixed(1)})`);
    crosshair.style.visibility = "visible";
    tooltip.textContent = text(shown);
    tooltip.hidden = false;
    const pixel = chart.getBoundingClientRect().left - figure.getBoundingClientRect().left
      + x * chart.getBoundingClientRect().width / chart.viewBox.baseVal.width;
    const room = figure.clientWidth - pixel - tooltip.offsetWidth - 20;
    tooltip.style.left = `${room > 0 ? pixel + 12 : Math.max(4, pixel - tooltip.offsetWidth - 12)}px`;
  };

  const hide = (chart) => {
    tooltip.hidden = true;
    chart.querySelector(".crosshair").style.visibility = "hidden";
  };

  for (const chart of figure.querySelectorAll(".timeline")) {
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
      const left = Number(chart.dataset.left), right = Number(chart.dataset.right);
      const at = values.start + (x - left) / (right - left) * (values.end - values.start);
      show(chart, Math.floor((at - values.first) / values.width));
    });
    chart.addEventListener("pointerleave", () => hide(chart));
    chart.addEventListener("focus", () => show(chart, shown));
    chart.addEventListener("blur", () => hide(chart));
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show(chart, shown + step);
    });
  }
})();
