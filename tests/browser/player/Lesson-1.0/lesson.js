// runs in the frame, beside a copy of jQuery that is the library's
addEventListener("load", async () => {
	const to = parent, { url, content } = to.H5PIntegration;
	addEventListener("message", async e => {
		if (e.data.context !== "h5p" || e.data.action !== "hello")
			return;
		const more = await new Promise((yes, no) => $.ajax({ url: `${url}/content/more.json`, dataType: "json",
			success: yes, error: no, headers: { "X-Requested-With": "XMLHttpRequest" } }));
		const picture = new Image();
		picture.src = `${url}/content/${content.picture}`;
		await picture.decode();
		$(".h5p-content").text(content.text + more.text);
		const height = $(".h5p-content")[0].getBoundingClientRect().height;
		to.postMessage({ context: "h5p", action: "resize", height }, "*");
		to.postMessage({ context: "h5p", action: "done", text: $(".h5p-content").text(), width: picture.naturalWidth,
			color: getComputedStyle($(".h5p-content")[0]).color, state: (sessionStorage.setItem("h5p", "1"),
				sessionStorage.getItem("h5p")) }, "*");
	});
	to.postMessage({ context: "h5p", action: "hello" }, "*");
});
