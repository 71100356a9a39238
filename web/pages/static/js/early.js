// Before the first paint: says that scripts run. Not a module, because modules come too late for that.
document.documentElement.classList.add("js");
