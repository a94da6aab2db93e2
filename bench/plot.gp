# SPDX-License-Identifier: BSL-1.0
# gnuplot -c plot.gp results.dat results.svg: time of each engine over etch's, a group a workload.
set terminal svg size 1500,620 font "sans,13" background "white"
set output ARG2
set title "Time of one call relative to etch (lower is faster; etch = 1)"
set datafile missing "?"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.95
set logscale y
set yrange [0.5:*]
set ytics (0.5, 1, 2, 5, 10, 20, 50, 100, 200)
set grid ytics lc rgb "#dddddd"
set key outside right
set bmargin 9
set xtics rotate by -35 noenhanced
set key noenhanced autotitle columnheader
# etch in front, the others in colours that stay apart
array colour[10] = ["#d01c1c", "#7f7f7f", "#f0a830", "#1b6ca8", "#7fb8e0", "#2a9d5c", "#8e5bb5", \
                    "#b5793f", "#e377c2", "#17becf"]
engines = system("head -1 " . ARG1)
plot for [i = 2:words(engines)] ARG1 using i:xtic(1) lc rgb colour[i - 1]
