"""Reading the plant's files; shared by the notebooks."""
import numpy as np
import pandas as pd


def read_plant(folder="plant"):
    """Hourly rows: time, power (share of capacity), and the forecast of the evening before."""
    power = pd.read_csv(f"{folder}/power.csv", parse_dates=["time"])
    forecast = pd.read_csv(f"{folder}/forecast.csv", parse_dates=["time"])
    table = power.merge(forecast, on="time", how="inner").sort_values("time")
    return table.reset_index(drop=True)


def elevation(time, latitude=47.4):
    """Height of the sun in degrees, good to about one degree."""
    day = time.dt.dayofyear.to_numpy()
    hour = time.dt.hour.to_numpy() + time.dt.minute.to_numpy() / 60 + 0.5
    tilt = np.deg2rad(-23.44) * np.cos(2 * np.pi * (day + 10) / 365)
    angle = np.deg2rad(15 * (hour - 12))
    lat = np.deg2rad(latitude)
    sine = np.sin(lat) * np.sin(tilt) + np.cos(lat) * np.cos(tilt) * np.cos(angle)
    return np.rad2deg(np.arcsin(sine))
