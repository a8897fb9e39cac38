#include "dashboard.h"

// C23, which Clang has in every C.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char alerts_js[] = {
#embed "Static/alerts.js"
};
static const unsigned char api_js[] = {
#embed "Static/api.js"
};
static const unsigned char app_js[] = {
#embed "Static/app.js"
};
static const unsigned char chart_js[] = {
#embed "Static/chart.js"
};
static const unsigned char configuration_js[] = {
#embed "Static/configuration.js"
};
static const unsigned char costs_js[] = {
#embed "Static/costs.js"
};
static const unsigned char dom_js[] = {
#embed "Static/dom.js"
};
static const unsigned char explain_js[] = {
#embed "Static/explain.js"
};
static const unsigned char groups_js[] = {
#embed "Static/groups.js"
};
static const unsigned char heatmap_js[] = {
#embed "Static/heatmap.js"
};
static const unsigned char icon_svg[] = {
#embed "Static/icon.svg"
};
static const unsigned char index_html[] = {
#embed "Static/index.html"
};
static const unsigned char keys_js[] = {
#embed "Static/keys.js"
};
static const unsigned char overview_js[] = {
#embed "Static/overview.js"
};
static const unsigned char playground_js[] = {
#embed "Static/playground.js"
};
static const unsigned char providers_js[] = {
#embed "Static/providers.js"
};
static const unsigned char requests_js[] = {
#embed "Static/requests.js"
};
static const unsigned char style_css[] = {
#embed "Static/style.css"
};

static const needletail_dashboard_file files[] = {
    {"alerts.js", alerts_js, sizeof(alerts_js)},
    {"api.js", api_js, sizeof(api_js)},
    {"app.js", app_js, sizeof(app_js)},
    {"chart.js", chart_js, sizeof(chart_js)},
    {"configuration.js", configuration_js, sizeof(configuration_js)},
    {"costs.js", costs_js, sizeof(costs_js)},
    {"dom.js", dom_js, sizeof(dom_js)},
    {"explain.js", explain_js, sizeof(explain_js)},
    {"groups.js", groups_js, sizeof(groups_js)},
    {"heatmap.js", heatmap_js, sizeof(heatmap_js)},
    {"icon.svg", icon_svg, sizeof(icon_svg)},
    {"index.html", index_html, sizeof(index_html)},
    {"keys.js", keys_js, sizeof(keys_js)},
    {"overview.js", overview_js, sizeof(overview_js)},
    {"playground.js", playground_js, sizeof(playground_js)},
    {"providers.js", providers_js, sizeof(providers_js)},
    {"requests.js", requests_js, sizeof(requests_js)},
    {"style.css", style_css, sizeof(style_css)},
};

size_t needletail_dashboard_count(void) { return sizeof(files) / sizeof(files[0]); }

needletail_dashboard_file needletail_dashboard_file_at(size_t index) { return files[index]; }
